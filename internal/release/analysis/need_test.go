// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math/rand/v2"
	"testing"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

func TestNeededOrder(t *testing.T) {
	success := api.Analysis{SuccessRate: &api.SuccessRate{MinPercent: 99}}
	compare := api.Analysis{Compare: &api.Compare{}}
	alone, beside := Fault{Usual: 0.001, More: 0.04}, Fault{Usual: 0.001, More: 0.04, Beside: 9}
	worse := Fault{Usual: 0.001, More: 0.2, Beside: 9}
	for name, c := range map[string]struct{ less, more int64 }{
		"nothing is asked for":                 {-1, Needed(api.Analysis{}, 1, beside)},
		"nothing runs beside":                  {-1, Needed(compare, 1, alone)},
		"what is worse is noticed earlier":     {Needed(success, 1, worse), Needed(success, 1, alone)},
		"more steps need more":                 {Needed(success, 1, alone), Needed(success, 10, alone)},
		"a comparison needs some":              {0, Needed(compare, 1, beside)},
		"fewer beside need more":               {Needed(compare, 1, beside), Needed(compare, 1, Fault{Usual: 0.001, More: 0.04, Beside: 1})},
		"where less may fail less is needed":   {Needed(api.Analysis{SuccessRate: &api.SuccessRate{MinPercent: 99.9}}, 1, alone), Needed(success, 1, alone)},
		"a fault that is within what may be":   {-1, Needed(api.Analysis{SuccessRate: &api.SuccessRate{}}, 1, alone)},
		"one of two that notices it is enough": {0, Needed(api.Analysis{SuccessRate: success.SuccessRate, Compare: &api.Compare{}}, 1, alone)},
	} {
		if c.less >= c.more || c.less < 0 && c.more != 0 {
			t.Errorf("%s: %d, then %d", name, c.less, c.more)
		}
	}
}

// TestNeeded: with so many requests nine of ten faults are seen, in one look.
func TestNeeded(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 2))
	want := api.Analysis{MinRequests: 1, SuccessRate: &api.SuccessRate{MinPercent: 99}}
	n := Needed(want, 4, Fault{More: 0.02})
	seen := 0
	const tries = 1000
	for range tries {
		s := mesh.Sample{Requests: float64(n)}
		for range n {
			if d.Float64() < 0.03 {
				s.Failed++
			}
		}
		if Judge(now, want, Case{Sample: s, Steps: 4}).Result == api.VerdictFail {
			seen++
		}
	}
	if share := float64(seen) / tries; share < 0.87 || share > 0.94 {
		t.Errorf("with %d requests %.1f %% are seen, want 90 %%", n, 100*share)
	}
}
