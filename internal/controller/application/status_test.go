// SPDX-License-Identifier: Apache-2.0

package application

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
)

// TestPassThatFailsMidwayForgetsNothing: the version that carries a component's requests stays known, or the next pass would
// take the desired one for it, and switch without a release.
func TestPassThatFailsMidwayForgetsNothing(t *testing.T) {
	page, reviews := api.Component{Name: "page", Image: "page:v1"}, api.Component{Name: "reviews", Image: "reviews:v2"}
	app := &api.Application{}
	app.Spec.Components = []api.Component{page, reviews}
	app.Status.Components = []api.ComponentStatus{
		{Name: "gone", Current: "v1", Desired: "v1"}, {Name: "reviews", Current: "v1", Desired: "v1"}, {Name: "page", Current: "v1", Desired: "v1"},
	}
	of := func(c api.Component, current, desired string) want {
		return want{component: c, current: current, desired: desired}
	}
	for name, tt := range map[string]struct {
		wants []want
		want  map[string]string
	}{
		"it came to nothing":   {nil, map[string]string{"gone": "v1", "reviews": "v1", "page": "v1"}},
		"it came to the first": {[]want{of(page, "v1", "v1")}, map[string]string{"page": "v1", "reviews": "v1"}},
		"it came to all": {
			[]want{of(page, "v1", "v1"), of(reviews, "v2", "v2")}, map[string]string{"page": "v1", "reviews": "v2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, c := range describe(snapshot{app: app}, tt.wants, errors.New("the answer was lost")).Components {
				got[c.Name] = c.Current
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("current versions (-want +got):\n%s", diff)
			}
		})
	}
}
