// SPDX-License-Identifier: Apache-2.0

//go:build api

package webhook_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/random"
	"weir.dev/weir/internal/plan/revision"
	"weir.dev/weir/internal/release"
	"weir.dev/weir/test/mutant"
)

var (
	// full tries all that can be tried, otherwise one of so many.
	full = os.Getenv("WEIR_TEST_FULL") != ""
	// short is the share of what the short form tries.
	short = 5
)

// TestWhatIsAdmittedCanBeMade writes every field of an Application in every way. What is admitted must come to objects that
// the API server takes: nothing that passes us may be refused by Kubernetes or by the schemas of Istio's kinds.
func TestWhatIsAdmittedCanBeMade(t *testing.T) {
	serve(t, nil)
	awaitPolicies(t)
	schema, err := mutant.SpecOf("applications")
	if err != nil {
		t.Fatal(err)
	}
	tried, admitted := 0, 0
	for name, text := range map[string]string{"Deployments": mutant.Components, "other kinds": mutant.Others} {
		var components []any
		if err := yaml.Unmarshal([]byte(text), &components); err != nil {
			t.Fatal(err)
		}
		for i := range components {
			// Each component is looked at with the others of its base behind it.
			base := map[string]any{"components": slices.Concat(components[i:i+1], components[:i], components[i+1:])}
			for n, m := range mutant.Of(base, schema) {
				if !full && n%short != 0 {
					continue
				}
				tried++
				if made(t, name+": "+m.String(), m) {
					admitted++
				}
			}
		}
	}
	t.Logf("%d applications, %d admitted", tried, admitted)
	if admitted < tried/20 {
		t.Errorf("only %d of %d were admitted: that proves little", admitted, tried)
	}
}

// made tells whether the application is admitted, and looks at what it comes to.
func made(t *testing.T, what string, m mutant.Mutant) bool {
	t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "weir.dev/v1alpha1", "kind": "Application", "metadata": map[string]any{"namespace": "default", "name": "shop"}, "spec": m.Spec,
	}}
	o = normal(t, o)
	err := direct.Create(t.Context(), o, client.DryRunAll, client.FieldValidation("Strict"))
	if err != nil {
		if !strings.Contains(err.Error(), "spec") {
			t.Errorf("%s: refused without a word about the field: %v", what, err)
		}
		return false
	}
	var app api.Application
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &app); err != nil {
		t.Errorf("%s: the API server takes what Weir cannot read: %v", what, err)
		return true
	}
	app.UID = "0"
	takes(t, what, plan.Settled(&app))
	return true
}

// takes lets the API server look at all that the input comes to.
func takes(t *testing.T, what string, in plan.Input) {
	t.Helper()
	objects, err := plan.Objects(in)
	if err != nil {
		t.Errorf("%s: admitted, but cannot be planned: %v", what, err)
		return
	}
	if err := plan.Check(objects); err != nil {
		t.Errorf("%s: admitted, but the plan is wrong: %v", what, err)
	}
	for _, o := range objects {
		made, ok := o.DeepCopyObject().(client.Object)
		if !ok {
			t.Fatalf("%T is no object", o)
		}
		if err := direct.Create(t.Context(), made, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
			t.Errorf("%s: admitted, but %T %s is refused: %v", what, o, o.GetName(), err)
		}
	}
}

// normal is the object as JSON has it: the numbers of YAML are of other types.
func normal(t *testing.T, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	text, err := json.Marshal(o.Object)
	if err != nil {
		t.Fatal(err)
	}
	out := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, &out.Object); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRandomApplicationsCanBeMade does the same with applications that chance makes, in the midst of releases.
func TestRandomApplicationsCanBeMade(t *testing.T) {
	seeds := uint64(60)
	if full {
		seeds = 3000
	}
	for seed := range seeds {
		takes(t, fmt.Sprintf("seed %d", seed), random.Input(seed, "default"))
	}
}

// TestAdmittedStrategiesCanBeMade writes every field of a Strategy in every way. At every step of those that are admitted the
// routes must be such as the API server takes.
func TestAdmittedStrategiesCanBeMade(t *testing.T) {
	serve(t, nil)
	awaitPolicies(t)
	schema, err := mutant.SpecOf("strategies")
	if err != nil {
		t.Fatal(err)
	}
	tried, admitted := 0, 0
	for _, text := range strategies {
		var base map[string]any
		if err := yaml.Unmarshal([]byte(text), &base); err != nil {
			t.Fatal(err)
		}
		for n, m := range mutant.Of(base, schema) {
			if !full && n%short != 0 {
				continue
			}
			tried++
			o := normal(t, &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "weir.dev/v1alpha1", "kind": "Strategy", "metadata": map[string]any{"namespace": "default", "name": "test"}, "spec": m.Spec,
			}})
			if direct.Create(t.Context(), o, client.DryRunAll, client.FieldValidation("Strict")) != nil {
				continue
			}
			admitted++
			var s api.Strategy
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &s); err != nil {
				t.Errorf("%s: the API server takes what Weir cannot read: %v", m, err)
				continue
			}
			steps(t, m.String(), s.Spec)
		}
	}
	t.Logf("%d strategies, %d admitted", tried, admitted)
}

// strategies have between them what becomes part of a route.
var strategies = []string{
	"{type: Canary, steps: [{weight: 10}, {weight: 50}], sticky: {cookie: user, maxAge: 1h}}",
	"{ramp: {start: 20, step: 20, interval: 1m, max: 80}}",
	"{type: Mirror, steps: [{mirror: {percent: 50, methods: Safe}}]}",
	`{type: ABTest, steps: [{match: [{headers: [{name: x-user, exact: tester}], cookies: [{name: group, prefix: b}], query: [{name: try, regex: "y.*"}],
		path: {prefix: /a}, method: GET, userAgent: {regex: ".*Firefox.*"}, source: page}, {headers: [{name: x-a, prefix: b}]}]}]}`,
}

// steps lets the API server look at the routes of every step.
func steps(t *testing.T, what string, spec api.StrategySpec) {
	t.Helper()
	page := api.Component{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 80}}, Uses: []string{"reviews"}}
	reviews := api.Component{Name: "reviews", Image: "reviews:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Expose: &api.Expose{}}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop", UID: "0"}}
	app.Spec.Components = []api.Component{page, reviews}
	for _, stage := range release.Stages(spec) {
		if stage.Weight == 100 {
			continue
		}
		takes(t, what, plan.Input{Application: app, Components: []plan.Component{
			{Spec: page, Versions: map[string]api.Component{"v1": page}, Wanted: []api.VersionWanted{{Version: "v1", Replicas: 1, Subset: true, Weight: 100}}},
			{
				Spec: reviews, Versions: map[string]api.Component{"v1": revision.Freeze(reviews), "v2": revision.Freeze(reviews)},
				Wanted: []api.VersionWanted{
					{Version: "v1", Replicas: 1, Subset: true, Weight: 100 - stage.Weight},
					{Version: "v2", Replicas: 1, Subset: true, Weight: stage.Weight, Match: stage.Match, Mirror: stage.Mirror},
				},
			},
		}})
	}
}
