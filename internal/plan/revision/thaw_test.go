// SPDX-License-Identifier: Apache-2.0

package revision_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/revision"
)

func TestThaw(t *testing.T) {
	was := api.Component{Name: "reviews", Image: "reviews:v1", Args: []string{"--slow"}, Ports: []api.Port{{Port: 9080}}, Replicas: ptr.To[int32](1)}
	now := api.Component{
		Name: "reviews", Image: "reviews:v2", Replicas: ptr.To[int32](4), Uses: []string{"ratings"}, Strategy: "careful",
		Expose: &api.Expose{Paths: []string{"/reviews"}},
	}
	want := api.Component{
		Name: "reviews", Image: "reviews:v1", Args: []string{"--slow"}, Ports: []api.Port{{Port: 9080, Protocol: "http"}},
		Mesh: ptr.To(true), Replicas: now.Replicas, Uses: now.Uses, Strategy: now.Strategy, Expose: now.Expose,
	}
	if diff := cmp.Diff(want, revision.Thaw(now, revision.Freeze(was))); diff != "" {
		t.Error("-want +got\n" + diff)
	}
}

func TestThawIsTheVersion(t *testing.T) {
	for name, was := range map[string]api.Component{
		"named by its tag":    {Name: "c", Image: "c:v1"},
		"named by the user":   {Name: "c", Image: "c:v1", Version: "blue"},
		"named by its digest": {Name: "c", Image: "c@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
		"out of the mesh":     {Name: "c", Image: "c:v1", Mesh: ptr.To(false)},
	} {
		t.Run(name, func(t *testing.T) {
			frozen := revision.Freeze(was)
			// The name may be one that was lengthened, since another state had it first.
			existing := map[string]api.Component{"v1-abcde": frozen}
			thawed := revision.Thaw(api.Component{Name: "c", Image: "c:v9"}, frozen)
			if got := revision.Version(thawed, existing); got != "v1-abcde" {
				t.Errorf("the thawed component is version %q", got)
			}
		})
	}
}
