// SPDX-License-Identifier: Apache-2.0

// Package sequential holds statistical tests that may be looked at as often as one likes: however many looks are taken,
// the chance of ever being told something that is not so stays below what was asked for.
//
// Each test measures evidence in nats. It is the logarithm of a mixture of likelihoods, over every value that the truth
// may have, divided by the greatest likelihood that the hypothesis under test allows. If the hypothesis holds, that ratio
// never rises above 1/α in the course of all requests but with the probability α: a mixture of likelihood ratios is a
// martingale (H. Robbins, Statistical methods related to the law of the iterated logarithm, Ann. Math. Statist. 41
// (1970), 1397–1409), which Ville's inequality bounds at all times at once (J. Ville, Étude critique de la notion de
// collectif (1939)), and a hypothesis of many values is met by its best (L. Wasserman, A. Ramdas, S. Balakrishnan,
// Universal inference, PNAS 117 (2020), 16880–16890).
package sequential

import "math"

// Evidence is how much speaks against a hypothesis.
type Evidence struct {
	// Nats is the evidence that holds however often one looks; negative when nothing speaks against the hypothesis.
	Nats float64
	// Gain is the logarithm of the plain likelihood ratio: the best of all values against the best that is allowed. Twice
	// of it has, for a single look, the chi-squared distribution with one degree (S. S. Wilks, Ann. Math. Statist. 9
	// (1938), 60–62). It only tells what is worth a second look.
	Gain float64
}

// Against is the evidence needed so that chance alone gives it with at most the probability alpha.
func Against(alpha float64) float64 { return -math.Log(alpha) }

// suspicion is the gain of what lies one standard error beyond what is allowed: half the square of 1.
const suspicion = 0.5

// Suspicious is true when a single look sees more than is allowed, by more than chance usually brings.
func (e Evidence) Suspicious() bool { return e.Gain >= suspicion }

func (e Evidence) plus(o Evidence) Evidence { return Evidence{e.Nats + o.Nats, e.Gain + o.Gain} }

// Count is how many of how many.
type Count struct{ Hits, All float64 }

// Share of the hits, between 0 and 1; 0 of nothing.
func (c Count) Share() float64 {
	if c.All <= 0 {
		return 0
	}
	return c.Hits / c.All
}

// Above is the evidence that the true share is above bound.
func (c Count) Above(bound float64) Evidence { return c.beyond(bound, min(c.Share(), bound)) }

// Below is the evidence that the true share is below bound.
func (c Count) Below(bound float64) Evidence { return c.beyond(bound, max(c.Share(), bound)) }

// beyond mixes over the Beta(1, b) distribution whose mean is some five times the bound: what is worth noticing is a
// small multiple of what is allowed.
func (c Count) beyond(bound, allowed float64) Evidence {
	if c.All <= 0 {
		return Evidence{Nats: math.Inf(-1)}
	}
	best, null := c.likelihood(c.Share()), c.likelihood(allowed)
	if math.IsInf(null, -1) {
		return Evidence{math.Inf(1), math.Inf(1)}
	}
	return Evidence{Nats: c.mixture(1, spread(bound)) - null, Gain: best - null}
}

func spread(bound float64) float64 {
	if bound <= 0 {
		return 1
	}
	return max(1, 1/(5*bound))
}

// likelihood is the logarithm of the likelihood of a share.
func (c Count) likelihood(share float64) float64 {
	return times(c.Hits, math.Log(share)) + times(c.All-c.Hits, math.Log1p(-share))
}

// mixture is the logarithm of the likelihood's mean over the Beta(a, b) distribution.
func (c Count) mixture(a, b float64) float64 {
	var norm float64
	switch {
	case a == 1:
		norm = -math.Log(b)
	case b == 1:
		norm = -math.Log(a)
	default:
		norm = logBeta(a, b)
	}
	return logBeta(c.Hits+a, c.All-c.Hits+b) - norm
}

func logBeta(a, b float64) float64 { return logGamma(a) + logGamma(b) - logGamma(a+b) }

func logGamma(x float64) float64 {
	g, _ := math.Lgamma(x)
	return g
}

// times is x·y, where nothing of the impossible is nothing.
func times(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x * y
}

// Interval holds the true share at every look but with the probability alpha: what the evidence does not refute.
func (c Count) Interval(alpha float64) (low, high float64) {
	enough, seen := Against(alpha/2), c.Share()
	low = border(0, seen, func(bound float64) bool { return c.Above(bound).Nats >= enough })
	high = border(1, seen, func(bound float64) bool { return c.Below(bound).Nats >= enough })
	return low, high
}

// border lies between out, which is refuted if anything is, and in, which is not.
func border(out, in float64, refuted func(float64) bool) float64 {
	if !refuted(out) {
		return out
	}
	for range 50 {
		if middle := (out + in) / 2; refuted(middle) {
			out = middle
		} else {
			in = middle
		}
	}
	return out
}
