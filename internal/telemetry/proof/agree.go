// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"math"
	"slices"

	"weir.dev/weir/internal/mesh"
)

const (
	// whole is the sum of the weights, in percent.
	whole = 100
	// tolerance is how far the share of a version may be from its weight, as a part of all.
	tolerance = 0.05
	// surely and likely are how many standard errors make the intervals of 99.9 % and 99 % confidence.
	surely, likely = 3.290527, 2.575829
)

// opinion is what the requests of a caller say of a route.
type opinion int

const (
	// open: too few to tell.
	open opinion = iota
	// agrees: what was sent is what the route says, within the tolerance.
	agrees
	// differs: what was sent cannot come from the route.
	differs
)

// judge compares what was sent with the weights. It differs when a version without a share got any, or when chance would
// make the shares what they are less than once in a thousand times; it agrees when every share lies within the tolerance of
// its weight with 99 % confidence, and every version with a weight got some. Where requests are picked by what they say,
// only who must not get any is looked at.
func judge(route mesh.Route, sent map[string]float64) opinion {
	var all float64
	for _, n := range sent {
		all += n
	}
	if all <= 0 {
		return open
	}
	for version, n := range sent {
		if n > 0 && !mayGet(route, version) {
			return differs
		}
	}
	if route.Picked {
		return agrees
	}
	total := 0.0
	for _, w := range route.Weights {
		total += float64(w)
	}
	out := agrees
	for version, w := range route.Weights {
		wanted := float64(w) / total
		low, high := wilson(sent[version], all, surely)
		if wanted < low || wanted > high {
			return differs
		}
		low, high = wilson(sent[version], all, likely)
		if low < wanted-tolerance || high > wanted+tolerance || w > 0 && sent[version] == 0 {
			out = open
		}
	}
	return out
}

func mayGet(route mesh.Route, version string) bool {
	return route.Weights[version] > 0 || route.Picked && slices.Contains(route.Subsets, version)
}

// wilson is the interval in which a share lies of which n of all were seen, with the confidence of z standard errors
// (E. B. Wilson, 1927). It holds for few and for one-sided samples, where the normal interval does not.
func wilson(n, all, z float64) (low, high float64) {
	p, zz := n/all, z*z
	middle := (p + zz/(2*all)) / (1 + zz/all)
	half := z / (1 + zz/all) * math.Sqrt(p*(1-p)/all+zz/(4*all*all))
	low, high = middle-half, middle+half
	if n <= 0 {
		low = 0 // rounding leaves a little
	}
	if n >= all {
		high = 1
	}
	return low, high
}
