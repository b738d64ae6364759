// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/revision"
)

// settled is a component of which no release is under way.
func settled(spec api.Component) plan.Component {
	version := revision.Version(spec, nil)
	return plan.Component{
		Spec:     spec,
		Versions: map[string]api.Component{version: revision.Freeze(spec)},
		Wanted: []api.VersionWanted{
			{Version: version, Replicas: ptr.Deref(spec.Replicas, 1), Subset: true, Weight: 100},
		},
	}
}

func reviews(image string, ports ...int32) api.Component {
	c := api.Component{Name: "reviews", Image: image}
	for _, p := range ports {
		c.Ports = append(c.Ports, api.Port{Port: p})
	}
	return c
}

// shifting is reviews on its way from v1 to v2.
func shifting(from, to api.Component, weight int32) plan.Component {
	return plan.Component{
		Spec:     to,
		Versions: map[string]api.Component{"v1": revision.Freeze(from), "v2": revision.Freeze(to)},
		Wanted: []api.VersionWanted{
			{Version: "v1", Replicas: 2, Subset: true, Weight: 100 - weight},
			{Version: "v2", Replicas: 2, Subset: true, Weight: weight},
		},
	}
}

func shop(components ...plan.Component) plan.Input {
	a := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop", UID: "1"}}
	for _, c := range components {
		a.Spec.Components = append(a.Spec.Components, c.Spec)
	}
	return plan.Input{Application: a, Components: components}
}

func TestObjectsRefuses(t *testing.T) {
	missing := shifting(reviews("r:v1", 9080), reviews("r:v2", 9080), 10)
	delete(missing.Versions, "v2")
	twin := settled(api.Component{Name: "reviews-v1", Image: "r:x"})
	twins := shop(settled(api.Component{Name: "reviews", Image: "r:v1-x"}), twin)
	nowhere := shop(twin)
	nowhere.Application.Namespace = ""
	old, torn := reviews("r:v1", 9080), reviews("r:v2", 9080)
	torn.Ports[0].Protocol, torn.Ports[0].Target = "grpc", 8080
	for name, tt := range map[string]struct {
		in   plan.Input
		want string
	}{
		"two languages at a port with a target": {shop(twin, shifting(old, torn, 10)), "port 9080 of component \"reviews\" has a target, and is http-9080 in one version and grpc-9080 in another"},
		"content missing":                       {shop(twin, missing), `spec.components[1]: version "v2" of component "reviews"`},
		"one name twice":                        {twins, "Deployment reviews-v1-x: versions of the components"},
		"no namespace":                          {nowhere, "has no namespace"},
		"no application":                        {plan.Input{}, "has no namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := plan.Objects(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestObjectsKeepsInput(t *testing.T) {
	in, again := readExample(t, "testdata/bookinfo.yaml").input(), readExample(t, "testdata/bookinfo.yaml").input()
	first, err := plan.Objects(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, in); diff != "" {
		t.Errorf("the input changed:\n%s", diff)
	}
	for i, j := 0, len(in.Components)-1; i < j; i, j = i+1, j-1 {
		in.Components[i], in.Components[j] = in.Components[j], in.Components[i]
	}
	second, err := plan.Objects(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(render(t, first), render(t, second)); diff != "" {
		t.Errorf("the order of components changed the result:\n%s", diff)
	}
}

func TestRoute(t *testing.T) {
	v1, v2 := reviews("r:v1", 9080, 8080, 3306), reviews("r:v2", 9080, 3306)
	got, ok := plan.Route("shop", shifting(v1, v2, 10))
	want := mesh.Route{
		Host: "reviews.shop.svc.cluster.local", Namespace: "shop", Ports: []int32{3306, 9080},
		Subsets: []string{"v1", "v2"}, Weights: map[string]int32{"v1": 90, "v2": 10},
		Name: got.Name,
	}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("ok %v (-want +got):\n%s", ok, diff)
	}
	if _, ok := plan.Route("shop", settled(reviews("r:v1"))); ok {
		t.Error("a component without ports has a route")
	}
}

// TestRouteName holds that the name in the routes is the one a proxy is asked for, and that it changes with all they say.
func TestRouteName(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(*plan.Component){
		"as it was":   func(*plan.Component) {},
		"weights":     func(c *plan.Component) { c.Wanted[0].Weight, c.Wanted[1].Weight = 80, 20 },
		"match":       func(c *plan.Component) { c.Wanted[1].Match = []api.Match{{Method: "GET"}} },
		"other match": func(c *plan.Component) { c.Wanted[1].Match = []api.Match{{Method: "POST"}} },
		"mirror":      func(c *plan.Component) { c.Wanted[1].Mirror = &api.Mirror{Percent: 10} },
		"cohorts": func(c *plan.Component) {
			c.Wanted[1].Cohorts = &api.Cohorts{Cookie: "a", ID: "v2", Weights: []int32{10}}
		},
		"cohorts, earlier": func(c *plan.Component) {
			c.Wanted[1].Cohorts = &api.Cohorts{Cookie: "a", ID: "v2", Weights: []int32{5, 10}}
		},
	} {
		c := shifting(reviews("r:v1", 9080), reviews("r:v2", 9080), 10)
		change(&c)
		route, _ := plan.Route("shop", c)
		objects, err := plan.Objects(shop(c))
		if err != nil {
			t.Fatal(err)
		}
		http := find[*istio.VirtualService](t, objects, "reviews").Spec.Http
		if got := http[len(http)-1].Name; got != route.Name || !strings.HasPrefix(got, "reviews-") {
			t.Errorf("%s: the last route is called %q, want %q", name, got, route.Name)
		}
		if other, taken := seen[route.Name]; taken {
			t.Errorf("%s and %s have one name, %s", name, other, route.Name)
		}
		seen[route.Name] = name
	}
	connected := shifting(reviews("r:v1", 9080), reviews("r:v2", 9080), 0)
	alone := shifting(reviews("r:v1", 9080), reviews("r:v2", 9080), 0)
	alone.Wanted[1].Subset = false
	a, _ := plan.Route("shop", connected)
	b, _ := plan.Route("shop", alone)
	if a.Name != b.Name {
		t.Error("a subset that no route leads to changes the routes' name")
	}
	if streams, _ := plan.Route("shop", shifting(reviews("r:v1", 3306), reviews("r:v2", 3306), 10)); streams.Name != "" {
		t.Errorf("streams have a name: %s", streams.Name)
	}
}
