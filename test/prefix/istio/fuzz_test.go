// SPDX-License-Identifier: Apache-2.0

package istio

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/test/env"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/admission"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/revision"
	"weir.dev/weir/internal/plan/workload"
	"weir.dev/weir/internal/release"
	"weir.dev/weir/test/mutant"
)

const (
	// tries is how many applications the short form makes, of so many random bytes each.
	tries, size = 1500, 300
	// least of them, in percent, have to be admitted, or little is proven.
	least = 20
)

// applications are what is changed: between them they say something in every field that Istio is told of.
var applications = []string{
	"components:\n" + mutant.Components,
	"components:\n" + mutant.Others + `
scopeFromUses: true
accessFromUses: true
callers: [shop/front, far/*]`,
	`
components:
- name: page
  image: page:v1
  ports: [{port: 80, protocol: http}, {port: 50051, protocol: grpc}]
  uses: [reviews, other/one, far/other/two, "https://api.example", "http://*.a.example:8080", "mysql://db.example:3306", "tcp://192.0.2.7:25"]
  strategy: quick
  expose:
    hosts: [shop.example, "*.shop.example"]
    paths: [/, /a]
    tls: {secret: cert, redirect: true}
    cors: {origins: ["https://a.example", "http://*.b.example:81"], methods: [GET], headers: [x-a], exposedHeaders: [x-b], credentials: true, maxAge: 1h}
- name: reviews
  image: reviews:v1
  ports: [{port: 9080, protocol: http, name: api}, {port: 9090}]
  strategy: quick
- name: db
  image: db:v1
  ports: [{port: 5432}]
  strategy: quick
  expose: {tcp: 5432}
- name: old
  external: true
  version: v1
  ports: [{port: 80}]
scopeFromUses: true
accessFromUses: true
callers: [shop/front, far/*]
together: [{name: all, components: [page, reviews]}]`,
}

// strategies are what versions are released by.
var strategies = []string{
	"{type: Canary, steps: [{weight: 10}, {weight: 50}], sticky: {cookie: user, maxAge: 1h}}",
	"{ramp: {start: 20, step: 20, interval: 1m, max: 80}}",
	"{type: Mirror, steps: [{mirror: {percent: 50, methods: Safe}}]}",
	`{type: ABTest, sticky: {}, steps: [{match: [{headers: [{name: x-user, exact: tester}], cookies: [{name: group, prefix: b}], query: [{name: try, regex: "y.*"}],
		path: {prefix: /a}, method: GET, userAgent: {regex: ".*Firefox.*"}, source: page}, {headers: [{name: x-a, prefix: b}]}]}, {weight: 20, match: [{path: {exact: /b}}]}]}`,
}

// FuzzTranslation changes whole applications and the strategy of their releases in several fields at once. Whatever passes
// the schemas with their CEL and admission has to come to objects that Istio's schemas, its validation and its analyzers
// take, when it is settled and at each step of a release.
func FuzzTranslation(f *testing.F) {
	w := newWriter(f)
	for seed := range uint64(tries) {
		f.Add(random(seed))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) { w.write(t, bytes) })
	f.Cleanup(func() {
		f.Logf("%d applications, %d admitted; %d objects of Istio's", w.tried, w.admitted, w.objects)
		if w.tried >= tries && w.admitted*100 < w.tried*least {
			f.Errorf("only %d of %d were admitted, want %d %%", w.admitted, w.tried, least)
		}
	})
}

func random(seed uint64) []byte {
	chance := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(chance.Uint32())
	}
	return out
}

// writer writes as a user does, and looks at what is made of it.
type writer struct {
	ours, theirs               *crd.Validator
	application, strategy      mutant.Schema
	tried, admitted, objects   int
	applications, strategySpec []map[string]any
}

func newWriter(f *testing.F) *writer {
	f.Helper()
	const charts = "../../../deploy/chart/crds/weir.dev_"
	w := &writer{}
	var err error
	must := func() {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
	}
	w.ours, err = crd.NewValidatorFromFiles(charts+"applications.yaml", charts+"strategies.yaml")
	must()
	w.theirs, err = crd.NewValidatorFromFiles(env.IstioSrc + "/manifests/charts/base/files/crd-all.gen.yaml")
	must()
	w.theirs.SkipMissing = true // the kinds of Kubernetes
	w.application, err = mutant.SpecOf("applications")
	must()
	w.strategy, err = mutant.SpecOf("strategies")
	must()
	for _, text := range applications {
		w.applications = append(w.applications, parsed(f, text))
	}
	for _, text := range strategies {
		w.strategySpec = append(w.strategySpec, parsed(f, text))
	}
	return w
}

func parsed(f *testing.F, text string) map[string]any {
	f.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		f.Fatal(err)
	}
	return out
}

// write writes one application and one strategy.
func (w *writer) write(t *testing.T, bytes []byte) {
	t.Helper()
	w.tried++
	c := mutant.NewChance(bytes)
	var quick api.Strategy
	var app api.Application
	spec := w.strategySpec[c.N(len(w.strategySpec))]
	if changed := c.Change(spec, w.strategy); w.strategic(t, changed) {
		spec = changed
	}
	w.takes(t, "Strategy", spec, &quick)
	if !w.takes(t, "Application", c.Change(w.applications[c.N(len(w.applications))], w.application), &app) {
		return
	}
	around := admission.Around{Strategies: map[string]api.StrategySpec{"quick": quick.Spec}}
	if len(admission.Application(nil, &app, around).Faults) > 0 {
		return
	}
	w.admitted++
	in := plan.Settled(&app)
	in.Neighbors = neighbors(&app)
	w.judge(t, "settled", in)
	w.released(t, in, quick.Spec)
	if t.Failed() {
		text, _ := yaml.Marshal(app.Spec)
		rule, _ := yaml.Marshal(quick.Spec)
		t.Logf("application:\n%s\nstrategy:\n%s", text, rule)
	}
}

// strategic tells whether somebody may write the strategy.
func (w *writer) strategic(t *testing.T, spec map[string]any) bool {
	t.Helper()
	var s api.Strategy
	return w.takes(t, "Strategy", spec, &s) && len(admission.Strategy(nil, &s, nil).Faults) == 0
}

// takes tells whether the schema of the kind, with its CEL, takes the spec; then into is it, with all defaults.
func (w *writer) takes(t *testing.T, kind string, spec map[string]any, into any) bool {
	t.Helper()
	o := map[string]any{
		"apiVersion": "weir.dev/v1alpha1", "kind": kind, "spec": spec,
		"metadata": map[string]any{"namespace": "default", "name": "quick", "uid": "0"},
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	if w.ours.ValidateCustomResource(u) != nil {
		return false
	}
	if text, err = u.MarshalJSON(); err != nil { // with defaults, which were filled in
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Errorf("the schema of %s takes what Weir cannot read: %v\n%s", kind, err, text)
		return false
	}
	return true
}

// neighbors are somebody of another application who calls the first component, and a gateway that is known.
func neighbors(app *api.Application) plan.Neighbors {
	first := app.Spec.Components[0].Name
	return plan.Neighbors{
		GatewayPrincipals: []string{"cluster.local/ns/istio-system/sa/gateway"},
		Callers:           map[string][]plan.Caller{first: {{Namespace: app.Namespace, Application: "other", Component: "caller", Identified: true}}},
	}
}

// released takes every component that has a strategy through all of its steps, side by side.
func (w *writer) released(t *testing.T, settled plan.Input, s api.StrategySpec) {
	t.Helper()
	var weights []int32
	for i, stage := range release.Stages(s) {
		weights = append(weights, stage.Weight)
		in := settled
		in.Components = slices.Clone(settled.Components)
		for j, c := range in.Components {
			if c.Spec.Strategy != "quick" {
				continue
			}
			from := c.Wanted[0]
			to := from
			to.Version, to.Replicas, to.Weight, to.Match, to.Mirror = "next", 1, stage.Weight, stage.Match, stage.Mirror
			from.Weight = 100 - stage.Weight
			if s.Sticky != nil && stage.Weight > 0 && stage.Weight < 100 {
				to.Cohorts = &api.Cohorts{Cookie: "weir-" + c.Spec.Name, ID: "next", MaxAge: 60, Weights: slices.Clone(weights)}
				if s.Sticky.Cookie != "" {
					to.Cohorts.Cookie = s.Sticky.Cookie
				}
			}
			in.Components[j].Wanted = []api.VersionWanted{from, to}
			in.Components[j].Versions = map[string]api.Component{from.Version: revision.Freeze(c.Spec), "next": revision.Freeze(c.Spec)}
		}
		w.judge(t, fmt.Sprintf("step %d", i), in)
	}
}

// judge lets Istio look at all that the input comes to.
func (w *writer) judge(t *testing.T, when string, in plan.Input) {
	t.Helper()
	objects, err := plan.Objects(in)
	if err == nil {
		err = plan.Check(objects)
	}
	if err != nil {
		t.Errorf("%s: admitted, but cannot be planned: %v", when, err)
		return
	}
	sum := look{}
	for _, c := range in.Components {
		if c.Spec.External { // its Service is somebody else's
			o := workload.Service(in.Application, c.Spec.Name, c.Spec.Ports)
			as, _ := configOf(o)
			sum.add(as)
		}
	}
	for _, o := range objects {
		as, known := configOf(o)
		if !known {
			continue
		}
		sum.add(as)
		validate := validator(o)
		if validate == nil {
			continue
		}
		w.objects++
		if warning, err := validate(); err != nil || warning != nil {
			t.Errorf("%s: %T %s: admitted, but Istio says: %v %v", when, o, o.GetName(), err, warning)
		}
		if err := w.schema(o); err != nil {
			t.Errorf("%s: admitted, but Istio's schema says: %v", when, err)
		}
	}
	for _, fault := range sum.analyze() {
		t.Errorf("%s: admitted, but Istio's analyzers say: %s", when, fault)
	}
}

func (w *writer) schema(o plan.Object) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		return err
	}
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	return w.theirs.ValidateCustomResource(u)
}
