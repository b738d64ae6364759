// SPDX-License-Identifier: Apache-2.0

package sequential

import "math"

// Worse is the evidence that the true share of a is above that of b by more than margin, the two being counted side by
// side.
func Worse(a, b Count, margin float64) Evidence {
	return apart(a, b, margin, a.Share() > b.Share()+margin)
}

// Better is the evidence that the true share of a is not above that of b by as much as margin.
func Better(a, b Count, margin float64) Evidence {
	if margin >= 1 && a.All > 0 && b.All > 0 {
		return endless() // no two shares are further apart
	}
	return apart(a, b, margin, a.Share() < b.Share()+margin)
}

// apart is the evidence against what is allowed, where what was seen is refuted by it or not. The shares are mixed over
// the Beta(0.1, 1) distribution, which knows of no scale.
func apart(a, b Count, margin float64, refuted bool) Evidence {
	if a.All <= 0 || b.All <= 0 {
		return Evidence{Nats: math.Inf(-1)}
	}
	best := a.likelihood(a.Share()) + b.likelihood(b.Share())
	null := best
	if refuted {
		null = closest(a, b, margin)
	}
	if math.IsInf(null, -1) {
		return endless()
	}
	return Evidence{Nats: a.mixture(0.1, 1) + b.mixture(0.1, 1) - null, Gain: best - null}
}

// closest is the greatest likelihood of shares that lie just margin apart. It has one peak, where its slope is 0.
func closest(a, b Count, margin float64) float64 {
	slope := func(p float64) float64 {
		return over(a.Hits, p+margin) - over(a.All-a.Hits, 1-p-margin) + over(b.Hits, p) - over(b.All-b.Hits, 1-p)
	}
	low, high := 0.0, 1-margin
	for range 60 {
		if middle := (low + high) / 2; slope(middle) > 0 {
			low = middle
		} else {
			high = middle
		}
	}
	p := (low + high) / 2
	return a.likelihood(min(p+margin, 1)) + b.likelihood(p)
}

// over is x/y, where nothing of the impossible is nothing.
func over(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x / y
}
