// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/admission"
	"weir.dev/weir/internal/plan"
)

// app reads components in YAML, in flow style.
func app(t *testing.T, name, components string) *api.Application {
	t.Helper()
	a := &api.Application{}
	a.Namespace, a.Name = "shop", name
	read(t, "{components: "+components+"}", &a.Spec)
	return a
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

func strategies(t *testing.T, text string) map[string]api.StrategySpec {
	t.Helper()
	out := map[string]api.StrategySpec{}
	read(t, text, &out)
	return out
}

func TestApplication(t *testing.T) {
	const page = "{name: page, image: 'page:v1', ports: [{port: 80}], expose: {}}"
	for name, tt := range map[string]struct {
		before, after string
		strategies    string
		other         string
		faults, warns []string
	}{
		"nothing odd": {after: "[" + page + "]"},
		"a template that is no pod": {
			after:  "[{name: a, image: 'b:v1', template: {spec: {nodeSelectr: {a: b}}}}]",
			faults: []string{`spec.components[a].template.spec: unknown field "nodeSelectr"`},
		},
		"two components at one path": {
			after:  "[" + page + ", {name: admin, image: 'admin:v1', ports: [{port: 80}], expose: {}}]",
			faults: []string{`what would be made of it: VirtualService shop-gateway`},
		},
		"a strategy that cannot be carried out": {
			after:      "[{name: db, image: 'db:v1', ports: [{port: 3306}], strategy: s}]",
			strategies: "{s: {type: Mirror}}",
			faults:     []string{`spec.components[db].strategy: the Strategy "s" cannot be carried out: spec.type`},
		},
		"a strategy that is not there yet": {
			after: "[{name: db, image: 'db:v1', strategy: s}]",
			warns: []string{`spec.components[db].strategy: there is no Strategy "s" yet`},
		},
		"a component of another application": {
			after: "[" + page + "]", other: "[{name: page, image: 'b:v1'}]",
			faults: []string{"spec.components[page].name: application other of this namespace"},
		},
		"a path of another application": {
			after:  "[{name: page, image: 'page:v1', ports: [{port: 80}], expose: {hosts: [a.example]}}]",
			other:  "[{name: front, image: 'b:v1', ports: [{port: 80}], expose: {hosts: [a.example], paths: [/a, /]}}]",
			faults: []string{"spec.components[page].expose: application shop/other answers http://a.example/ already"},
		},
		"another path": {
			after: "[" + page + "]", other: "[{name: front, image: 'b:v1', ports: [{port: 80}], expose: {paths: [/a]}}]",
		},
		"what was wrong before is a warning": {
			before: "[" + page + "]", after: "[" + strings.Replace(page, ":v1", ":v2", 1) + "]", other: "[{name: page, image: 'b:v1'}]",
			warns: []string{"as before: spec.components[page].name: application other"},
		},
		"what becomes wrong besides is a fault": {
			before: "[" + page + "]", after: "[" + page + ", {name: b, image: 'b:v1'}]", other: "[{name: page, image: 'b:v1'}, {name: b, image: 'b:v1'}]",
			faults: []string{"spec.components[b].name: application other"},
			warns:  []string{"as before: spec.components[page].name: application other"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			around := admission.Around{Strategies: strategies(t, tt.strategies)}
			if tt.other != "" {
				around.Applications = []api.Application{*app(t, "other", tt.other), *app(t, "shop", tt.after)}
				around.Applications[0].Status.Exposed = plan.AllClaims(&around.Applications[0])
			}
			var before *api.Application
			if tt.before != "" {
				before = app(t, "shop", tt.before)
			}
			begins(t, admission.Application(before, app(t, "shop", tt.after), around), tt.faults, tt.warns)
		})
	}
}

// begins checks that each fault and warning begins as wanted, and that there are no others.
func begins(t *testing.T, got admission.Verdict, faults, warnings []string) {
	t.Helper()
	shortened := func(got, want []string) []string {
		var out []string
		for i, text := range got {
			if i < len(want) {
				text = text[:min(len(text), len(want[i]))]
			}
			out = append(out, text)
		}
		return out
	}
	if diff := cmp.Diff(faults, shortened(got.Faults, faults)); diff != "" {
		t.Errorf("faults (-want +got):\n%s%v", diff, got.Faults)
	}
	if diff := cmp.Diff(warnings, shortened(got.Warnings, warnings)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s%v", diff, got.Warnings)
	}
}

func TestUnitsTakeTheSameSteps(t *testing.T) {
	a := app(t, "shop", "[{name: a, image: 'a:v1', strategy: two}, {name: b, image: 'b:v1', strategy: three}]")
	read(t, "[{name: all, components: [a, b]}]", &a.Spec.Together)
	around := admission.Around{Strategies: strategies(t, "{two: {steps: [{weight: 10}]}, three: {steps: [{weight: 10}, {weight: 50}]}}")}
	begins(t, admission.Application(nil, a, around), []string{"spec.together[all]: a is released in 2 steps and b in 3"}, nil)
	around.Strategies["three"] = around.Strategies["two"]
	begins(t, admission.Application(nil, a, around), nil, nil)
}

func TestStrategy(t *testing.T) {
	users := []api.Application{*app(t, "shop", "[{name: db, image: 'db:v1', ports: [{port: 3306}], strategy: s}, {name: other, image: 'b:v1', strategy: t}]")}
	written := func(text string) *api.Strategy {
		s := &api.Strategy{}
		s.Namespace, s.Name = "shop", "s"
		read(t, text, &s.Spec)
		return s
	}
	for name, tt := range map[string]struct {
		before, after string
		faults, warns []string
	}{
		"nothing odd":              {after: "{steps: [{weight: 10}]}"},
		"wrong by itself":          {after: `{windows: [{zone: Mars/Olympus}]}`, faults: []string{"spec.windows[0].zone"}},
		"wrong for who names it":   {after: "{type: Mirror}", faults: []string{"spec.type: Invalid value: \"Mirror\": component db has no http"}},
		"wrong as it was before":   {before: "{type: Mirror}", after: "{type: Mirror, drain: 1s}", warns: []string{"as before: spec.type"}},
		"put right where it was":   {before: "{type: Mirror}", after: "{type: Canary}"},
		"another's users are free": {after: "{steps: [{weight: 10}]}"},
	} {
		t.Run(name, func(t *testing.T) {
			var before *api.Strategy
			if tt.before != "" {
				before = written(tt.before)
			}
			begins(t, admission.Strategy(before, written(tt.after), users), tt.faults, tt.warns)
		})
	}
}

func TestRelease(t *testing.T) {
	shop := app(t, "shop", "[{name: db, image: 'db:v1', ports: [{port: 3306}]}]")
	written := func(step int32, strategy string) *api.Release {
		r := &api.Release{Spec: api.ReleaseSpec{Application: "shop", Component: "db", From: "v1", To: "v2"}}
		read(t, strategy, &r.Spec.Strategy)
		r.Status.Step = step
		return r
	}
	const good, bad = "{steps: [{weight: 10}]}", "{steps: [{mirror: {percent: 1}}]}"
	for name, tt := range map[string]struct {
		before, after *api.Release
		app           *api.Application
		faults, warns []string
	}{
		"steps to come":      {written(0, good), written(0, bad), shop, []string{"spec.strategy.steps[0].mirror"}, nil},
		"a step that was":    {written(1, good), written(1, bad), shop, nil, nil},
		"no application":     {written(0, good), written(0, bad), nil, nil, nil},
		"wrong as it was":    {written(0, bad), written(0, bad), shop, nil, []string{"as before: spec.strategy.steps[0].mirror"}},
		"put right":          {written(0, bad), written(0, good), shop, nil, nil},
		"component was gone": {written(0, good), written(0, bad), app(t, "shop", "[{name: a, image: 'b:v1'}]"), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			begins(t, admission.Release(tt.before, tt.after, tt.app), tt.faults, tt.warns)
		})
	}
}
