// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"math"
	"slices"
)

// bucket holds the observations that were at most upper.
type bucket struct {
	upper float64
	count float64
}

// quantile estimates the value below which the share q of the observations lies, in the unit of the buckets' bounds,
// or NaN when the buckets say nothing. q is between 0 and 1; the buckets are cumulative and need not be sorted.
//
// It is the estimate of PromQL's histogram_quantile for classic histograms (promql/quantile.go, BucketQuantile):
// observations are spread evenly inside a bucket, the first of which begins at 0, and beyond the last finite bound
// nothing is known but that bound.
func quantile(q float64, buckets []bucket) float64 {
	buckets = rising(buckets)
	last := len(buckets) - 1
	if last < 1 || !math.IsInf(buckets[last].upper, 1) || buckets[last].count <= 0 {
		return math.NaN()
	}
	rank := q * buckets[last].count
	at := slices.IndexFunc(buckets, func(b bucket) bool { return b.count >= rank })
	if at == last || at < 0 {
		return buckets[last-1].upper
	}
	if at == 0 && buckets[0].upper <= 0 {
		return buckets[0].upper
	}
	var below bucket
	if at > 0 {
		below = buckets[at-1]
	}
	inside := buckets[at].count - below.count
	if inside <= 0 {
		return buckets[at].upper
	}
	return below.upper + (buckets[at].upper-below.upper)*(rank-below.count)/inside
}

// rising returns the buckets sorted by bound, with counts that never fall: differences of counters that were not
// scraped at the same instant may fall a little.
func rising(buckets []bucket) []bucket {
	sorted := slices.SortedFunc(slices.Values(buckets), func(a, b bucket) int {
		switch {
		case a.upper < b.upper:
			return -1
		case a.upper > b.upper:
			return 1
		}
		return 0
	})
	for i := 1; i < len(sorted); i++ {
		sorted[i].count = max(sorted[i].count, sorted[i-1].count)
	}
	return sorted
}
