// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	for name, tt := range map[string]struct {
		in   plan.Input
		want string
	}{
		"content missing": {shop(twin, missing), `spec.components[1]: version "v2" of component "reviews"`},
		"one name twice":  {twins, "Deployment reviews-v1-x: versions of the components"},
		"no namespace":    {nowhere, "has no namespace"},
		"no application":  {plan.Input{}, "has no namespace"},
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
	}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("ok %v (-want +got):\n%s", ok, diff)
	}
	if _, ok := plan.Route("shop", settled(reviews("r:v1"))); ok {
		t.Error("a component without ports has a route")
	}
}
