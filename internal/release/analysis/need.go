// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/analysis/sequential"
)

// Fault is what a verdict is to notice.
type Fault struct {
	// Usual is the share of requests that fail anyway, and More how many fail beyond what is allowed, between 0 and 1.
	Usual, More float64
	// Beside is how many requests the version beside gets for each that the new one gets; 0 when none runs beside.
	Beside float64
}

// Needed is how many requests to the new version show the fault in nine of ten cases, of a release with so many steps that
// are judged; 0 when nothing that is asked for would show it.
func Needed(want api.Analysis, steps int, f Fault) int64 {
	needed := math.Inf(1)
	if s := want.SuccessRate; s != nil {
		allowed := 1 - s.MinPercent/100
		share := min(allowed+f.More, 1)
		needed = fewest(absoluteAlpha(want, steps), func(n float64) sequential.Evidence { return few(share, n).Above(allowed) })
	}
	if c := want.Compare; c != nil && f.Beside > 0 {
		margin := c.MaxErrorIncrease / 100
		share := min(f.Usual+margin+f.More, 1)
		needed = min(needed, fewest(relativeAlpha(*c, steps), func(n float64) sequential.Evidence {
			return sequential.Worse(few(share, n), sequential.Count{Hits: f.Usual * n * f.Beside, All: n * f.Beside}, margin)
		}))
	}
	if math.IsInf(needed, 1) {
		return 0
	}
	return int64(needed)
}

// tenth is the point of the normal distribution below which one of ten cases lies, in standard deviations.
const tenth = 1.2816

// few is how many of n are hit, in nine of ten cases at the least.
func few(share, n float64) sequential.Count {
	return sequential.Count{Hits: max(share*n-tenth*math.Sqrt(n*share*(1-share)), 0), All: n}
}

// fewest is the least number of requests whose evidence is enough; endless when a billion is not.
func fewest(alpha float64, evidence func(n float64) sequential.Evidence) float64 {
	enough := func(n float64) bool { return evidence(n).Nats >= sequential.Against(alpha) }
	high := 1.0
	for !enough(high) {
		if high *= 2; high > 1e9 {
			return math.Inf(1)
		}
	}
	low := high / 2
	for high-low > 1 {
		if middle := math.Floor((low + high) / 2); enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
