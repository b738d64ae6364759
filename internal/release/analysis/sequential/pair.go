// SPDX-License-Identifier: Apache-2.0

package sequential

import "math"

// Worse is the evidence that the true share of a is above that of b by more than margin, the two being counted side by
// side. The shares are mixed over the Beta(0.1, 1) distribution, which knows of no scale.
func Worse(a, b Count, margin float64) Evidence {
	if a.All <= 0 || b.All <= 0 {
		return Evidence{Nats: math.Inf(-1)}
	}
	best, null := a.likelihood(a.Share())+b.likelihood(b.Share()), 0.0
	if null = best; a.Share() > b.Share()+margin {
		null = closest(a, b, margin)
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
