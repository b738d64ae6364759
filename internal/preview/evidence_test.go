// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"math"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
)

func TestComparisonRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		c    comparison
		want int64
	}{
		// Chow, Shao and Wang, section 4.2.4: rates of 0.65 and 0.85, a margin of 0.05, 5 % and 80 %, come to 25 a group; here
		// with a power of 90 % and roles exchanged: (1.645+1.282)² · (0.65·0.35+0.85·0.15) / 0.15² = 135.2.
		"as in the book": {comparison{base: 0.65, margin: 0.05, effect: 0.15, ratio: 1, confidence: 0.95}, 136},
		"one in a hundred, seldom asked": {
			comparison{base: 0.001, effect: 0.01, ratio: 9, confidence: 0.99}, 1431,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.c.requests(); math.Abs(float64(got-tt.want)) > 1 {
				t.Errorf("requests() = %d, want %d", got, tt.want)
			}
		})
	}
}

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
			if got := in.evidence(a, tt.stage, tt.rate).Message; got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
		})
	}
}
