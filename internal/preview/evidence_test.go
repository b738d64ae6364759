// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
)

func TestEvidenceWords(t *testing.T) {
	for name, tt := range map[string]struct {
		stage release.Stage
		rate  float64
		want  string
	}{
		"enough":  {release.Stage{Weight: 10}, 100, "needs 50 requests, there after 5s at 10 a second"},
		"too few": {release.Stage{Weight: 1}, 1, "needs 50 requests, and 0.01 a second make that many only after 1h23m20s: too few for the deadline of 10m"},
		"unknown": {release.Stage{Weight: 1}, 0, "needs 50 requests; how many come is not known"},
		"matched": {release.Stage{Match: []api.Match{{Source: "a"}}}, 9, "needs 50 requests; how many match is not known"},
		"copies":  {release.Stage{Mirror: &api.Mirror{Percent: 50}}, 100, "needs 50 requests, there after 1s at 50 a second"},
	} {
		t.Run(name, func(t *testing.T) {
			in := Input{}.withDefaults()
			a := api.Analysis{Deadline: &metav1.Duration{Duration: 10 * time.Minute}}
			if got := in.evidence(a, tt.stage, tt.rate, 1).Message; got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
		})
	}
}
