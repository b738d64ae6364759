// SPDX-License-Identifier: Apache-2.0

package strategy_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/strategy"
)

func shop() *api.Application {
	return &api.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop"},
		Spec: api.ApplicationSpec{Components: []api.Component{
			{Name: "reviews", Ports: []api.Port{{Port: 9080}, {Port: 3306}}},
			{Name: "db", Ports: []api.Port{{Port: 3306}}},
			{Name: "rates", Ports: []api.Port{{Port: 50051}}},
			{Name: "batch", Mesh: ptr.To(false)},
		}},
	}
}

func read(t *testing.T, text string) api.StrategySpec {
	t.Helper()
	var spec api.StrategySpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestCheckRefuses(t *testing.T) {
	long := strings.Repeat("(a|b)?", 170)
	for name, tt := range map[string]struct {
		component, spec string
		field, want     string
	}{
		"unknown component":      {"none", `{}`, "spec.components", "no such component"},
		"expression":             {"reviews", `steps: [{match: [{headers: [{name: a, regex: "("}]}]}]`, "spec.steps[0].match[0].headers[0].regex", "RE2"},
		"expression of an agent": {"reviews", `steps: [{match: [{userAgent: {regex: "(?!x)"}}]}]`, "spec.steps[0].match[0].userAgent.regex", "RE2"},
		"nothing":                {"reviews", `steps: [{match: [{}]}]`, "spec.steps[0].match[0]", "would pick every one"},
		"empty text":             {"reviews", `steps: [{match: [{query: [{name: q}]}]}]`, "spec.steps[0].match[0].query[0]", "empty text never matches"},
		"header twice":           {"reviews", `steps: [{match: [{headers: [{name: A, exact: x}, {name: a, exact: z}]}]}]`, "spec.steps[0].match[0].headers[1].name", "compared twice"},
		"header with space":      {"reviews", `steps: [{match: [{headers: [{name: a, exact: "x "}]}]}]`, "spec.steps[0].match[0].headers[0].exact", "never matches"},
		"agent twice":            {"reviews", `steps: [{match: [{headers: [{name: User-Agent, exact: x}], userAgent: {exact: z}}]}]`, "spec.steps[0].match[0].headers[0].name", "userAgent"},
		"cookies and their header": {
			"reviews", `steps: [{match: [{headers: [{name: Cookie, exact: x}], cookies: [{name: a, exact: z}]}]}]`,
			"spec.steps[0].match[0].headers[0].name", "cookies",
		},
		"cookie twice":            {"reviews", `steps: [{match: [{cookies: [{name: a, exact: x}, {name: a, exact: z}]}]}]`, "spec.steps[0].match[0].cookies[1].name", "compared twice"},
		"cookie with a semicolon": {"reviews", `steps: [{match: [{cookies: [{name: a, exact: "x;y"}]}]}]`, "spec.steps[0].match[0].cookies[0]", "never matches"},
		"cookies too large": {
			"reviews", `steps: [{match: [{cookies: [{name: a, regex: "` + long + `"}, {name: b, regex: "` + long + `"}, {name: c, regex: "` + long + `"}]}]}]`,
			"spec.steps[0].match[0].cookies", "too large",
		},
		"expression too large":   {"reviews", `steps: [{match: [{path: {regex: "/` + strings.Repeat("a{1,900}b", 10) + `"}}]}]`, "spec.steps[0].match[0].path.regex", "too large"},
		"path without slash":     {"reviews", `steps: [{match: [{path: {prefix: api}}]}]`, "spec.steps[0].match[0].path.prefix", "write /api"},
		"path with query":        {"reviews", `steps: [{match: [{path: {exact: "/a?b=c"}}]}]`, "spec.steps[0].match[0].path.exact", "by query"},
		"every path":             {"reviews", `steps: [{match: [{path: {prefix: /}}]}]`, "spec.steps[0].match[0].path", "every request"},
		"unknown caller":         {"reviews", `steps: [{match: [{source: nobody}]}]`, "spec.steps[0].match[0].source", "no such component"},
		"caller outside":         {"reviews", `steps: [{match: [{source: batch}]}]`, "spec.steps[0].match[0].source", "outside the mesh"},
		"match taken before":     {"reviews", `steps: [{match: [{path: {prefix: /a}}, {path: {exact: /a/b}, method: GET}]}]`, "spec.steps[0].match[1]", "match 0 before it"},
		"match taken by a regex": {"reviews", `steps: [{match: [{headers: [{name: A, regex: "x.*"}]}, {headers: [{name: a, exact: xy}]}]}]`, "spec.steps[0].match[1]", "match 0 before it"},
		"match of streams":       {"db", `steps: [{match: [{method: GET}]}]`, "spec.steps[0].match", "streams cannot be told apart"},
		"copies of streams":      {"db", `steps: [{weight: 10}, {mirror: {methods: All}}]`, "spec.steps[1].mirror", "streams cannot be told apart"},
		"copies of streams, all": {"db", `type: Mirror`, "spec.type", "streams cannot be told apart"},
		"sticky streams":         {"db", `sticky: {}`, "spec.sticky", "streams cannot be told apart"},
		"judged streams":         {"db", `{steps: [{weight: 10}], analysis: {successRate: {minPercent: 99}}}`, "spec.analysis", "never be requests enough"},
		"safe calls":             {"rates", `steps: [{mirror: {methods: Safe}}]`, "spec.steps[0].mirror.methods", "say All"},
		"method of calls":        {"rates", `steps: [{match: [{method: GET}]}]`, "spec.steps[0].match[0].method", "all POST"},
		"zone":                   {"", `windows: [{zone: Mars/Olympus}]`, "spec.windows[0].zone", "no such time zone"},
		"window without length":  {"", `windows: [{from: "09:00", to: "09:00"}]`, "spec.windows[0].to", "ends when it begins"},
		"gate that asks nobody":  {"", `gates: [{name: a, at: BeforeStart}]`, "spec.gates[0]", "nobody is asked"},
		"gates of one name":      {"", `gates: [{name: a, at: BeforeStart, approval: {}}, {name: a, at: BeforeStep, approval: {}}]`, "spec.gates[1].name", "each its own"},
		"hook":                   {"", `gates: [{name: a, at: BeforeStart, webhook: {url: "http://"}}]`, "spec.gates[0].webhook.url", "no address"},
		"Job":                    {"", `gates: [{name: a, at: BeforeStart, job: {image: " "}}]`, "spec.gates[0].job.image", "needs an image"},
		"server":                 {"", `analysis: {server: {url: "https://:%"}}`, "spec.analysis.server.url", "no address"},
		"query":                  {"", `analysis: {metrics: [{name: a, query: " ", min: 1}]}`, "spec.analysis.metrics[0].query", "no query"},
		"no PromQL":              {"", `analysis: {metrics: [{name: a, query: "sum(rate(x[5m])", min: 1}]}`, "spec.analysis.metrics[0].query", "this is no PromQL"},
		"range":                  {"", `analysis: {metrics: [{name: a, query: "x[5m]", min: 1}]}`, "spec.analysis.metrics[0].query", "one number"},
		"variable":               {"", `analysis: {metrics: [{name: a, query: "x{pod=\"$(pod)\"}", min: 1}]}`, "spec.analysis.metrics[0].query", "known are $(component)"},
		"nothing beside":         {"", `{type: BlueGreen, analysis: {compare: {maxErrorIncrease: 1}}}`, "spec.analysis.compare", "nothing to compare"},
		"bounds":                 {"", `analysis: {requestRate: {min: 2, max: 1}}`, "spec.analysis.requestRate.min", "above max"},
	} {
		t.Run(name, func(t *testing.T) {
			a := shop()
			if tt.component == "" {
				a = nil
			}
			faults := strategy.Check(read(t, tt.spec), a, tt.component)
			if len(faults) != 1 {
				t.Fatalf("%d faults, want 1: %v", len(faults), faults)
			}
			if faults[0].Field != tt.field || !strings.Contains(faults[0].Detail, tt.want) {
				t.Errorf("got %v, want %q of %s", faults[0], tt.want, tt.field)
			}
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	for name, tt := range map[string]struct{ component, spec string }{
		"nothing said":        {"db", `{}`},
		"weights for streams": {"db", `steps: [{weight: 10}]`},
		"streams, not judged": {"db", `{steps: [{weight: 10}], analysis: {onNoData: Pass}}`},
		"all copies of calls": {"rates", `steps: [{mirror: {methods: All}}]`},
		"everything": {"reviews", `
type: ABTest
sticky: {cookie: a}
steps:
  - mirror: {percent: 10, methods: Safe}
  - match:
      - {source: rates, path: {prefix: /}}
      - {headers: [{name: a, exact: b}, {name: c, prefix: d}], cookies: [{name: e, regex: "f.*"}, {name: g, exact: h}]}
      - {path: {regex: "/v[0-9]+/.*"}, method: GET}
      - {query: [{name: q, prefix: x}], userAgent: {regex: ".*Firefox.*"}}
  - weight: 20
windows: [{days: [Mon], from: "22:00", to: "06:00", zone: Europe/Berlin}, {}]
gates: [{name: a, at: BeforeStart, approval: {}}, {name: b, at: BeforeStep, webhook: {url: "https://hook.example/x"}}]
analysis: {metrics: [{name: q, query: "rate(x{c=\"$(component)\"}[$(window)])", min: 1, max: 1}]}
`},
	} {
		t.Run(name, func(t *testing.T) {
			if faults := strategy.Check(read(t, tt.spec), shop(), tt.component); len(faults) > 0 {
				t.Error(faults)
			}
		})
	}
}
