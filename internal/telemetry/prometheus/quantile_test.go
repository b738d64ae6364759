// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"math"
	"testing"
)

func TestQuantile(t *testing.T) {
	inf := math.Inf(1)
	// The values are those of Prometheus' own tests (promql/promqltest/testdata/histograms.test, testhistogram).
	positive := []bucket{{0.1, 5}, {0.2, 7}, {1, 11}, {inf, 12}}
	for _, test := range []struct {
		name    string
		q, want float64
		buckets []bucket
	}{
		{"lowest", 0, 0, positive},
		{"inside the first bucket", 0.2, 0.048, positive},
		{"inside the second bucket", 0.5, 0.15, positive},
		{"inside the third bucket", 0.8, 0.72, positive},
		{"beyond the last bound", 1, 1, positive},
		{"unsorted", 0.8, 0.72, []bucket{{inf, 12}, {1, 11}, {0.1, 5}, {0.2, 7}}},
		{"a count that falls a little", 0.5, 6, []bucket{{10, 10}, {20, 9}, {inf, 12}}},
		{"all beyond the last bound", 0.5, 10, []bucket{{10, 0}, {inf, 3}}},
		{"empty bucket between", 0.5, 10, []bucket{{10, 1}, {20, 1}, {30, 2}, {inf, 2}}},
		{"negative first bound", 0.1, -1, []bucket{{-1, 5}, {1, 7}, {inf, 7}}},
		{"nothing observed", 0.5, math.NaN(), []bucket{{10, 0}, {inf, 0}}},
		{"no infinite bound", 0.5, math.NaN(), []bucket{{10, 1}, {20, 3}}},
		{"one bucket", 0.5, math.NaN(), []bucket{{inf, 3}}},
		{"no buckets", 0.5, math.NaN(), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := quantile(test.q, test.buckets)
			if math.IsNaN(got) != math.IsNaN(test.want) || math.Abs(got-test.want) > 1e-9 {
				t.Errorf("quantile(%g, %v) = %g, want %g", test.q, test.buckets, got, test.want)
			}
		})
	}
}
