// SPDX-License-Identifier: Apache-2.0

package application

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

func TestHealth(t *testing.T) {
	component := func(ready int32) api.ComponentStatus {
		return api.ComponentStatus{Name: "front", Current: "v1", Versions: []api.VersionStatus{
			{Version: "v1", Ready: ready, Replicas: 2}, {Version: "v2", Replicas: 1},
		}}
	}
	for name, tt := range map[string]struct {
		before api.Health
		ready  metav1.ConditionStatus
		pods   int32
		want   api.Health
	}{
		"new":                            {"", metav1.ConditionFalse, 0, api.Starting},
		"still starting":                 {api.Starting, metav1.ConditionFalse, 1, api.Starting},
		"all is ready":                   {api.Starting, metav1.ConditionTrue, 2, api.Healthy},
		"fewer pods than wanted":         {api.Healthy, metav1.ConditionFalse, 1, api.Degraded},
		"no pod of what carries traffic": {api.Healthy, metav1.ConditionFalse, 0, api.Down},
		"one came back":                  {api.Down, metav1.ConditionFalse, 1, api.Degraded},
		"all came back":                  {api.Down, metav1.ConditionTrue, 2, api.Healthy},
	} {
		t.Run(name, func(t *testing.T) {
			got := health(api.ApplicationStatus{
				Health: tt.before, Conditions: []metav1.Condition{{Status: metav1.ConditionTrue}, {Status: tt.ready}},
				Components: []api.ComponentStatus{component(2), component(tt.pods)},
			})
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	for name, tt := range map[string]struct {
		versions []string
		want     string
	}{
		"none yet":      {nil, ""},
		"one":           {[]string{"v1"}, "v1"},
		"all alike":     {[]string{"v1", "v1", "v1"}, "v1"},
		"different":     {[]string{"v1", "v2"}, "a v1, b v2"},
		"many":          {[]string{"v1", "v2", "v1", "v1", "v1"}, "a v1, b v2, c v1, +2"},
		"not known yet": {[]string{"v1", ""}, "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api.Application{}
			a.Spec.Components = []api.Component{{Name: "job", Kind: api.Job}}
			status := []api.ComponentStatus{{Name: "job", Current: "v9"}}
			for i, v := range tt.versions {
				name := string(rune('a' + i))
				a.Spec.Components = append(a.Spec.Components, api.Component{Name: name})
				status = append(status, api.ComponentStatus{Name: name, Current: v})
			}
			if got := versions(a, status); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
