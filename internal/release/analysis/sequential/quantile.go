// SPDX-License-Identifier: Apache-2.0

package sequential

import (
	"math"
	"slices"
	"time"

	"weir.dev/weir/internal/mesh"
)

// Quantile is a point of a distribution of times, known from a histogram. Where it lies is told by how many requests
// take longer than a time, so that tests of shares are tests of quantiles (S. R. Howard, A. Ramdas, Sequential estimation
// of quantiles with applications to A/B testing and best-arm identification, Bernoulli 28 (2022), 1704–1728).
type Quantile struct {
	Of mesh.Histogram
	// At is the share of the requests below it, between 0 and 1.
	At float64
}

// Above is the evidence that the true quantile is above d, if requests are spread evenly within each bucket.
func (q Quantile) Above(d time.Duration) Evidence { return q.slower(q.Of.Within(d)).Above(1 - q.At) }

// Below is the evidence that the true quantile is below d, if requests are spread evenly within each bucket.
func (q Quantile) Below(d time.Duration) Evidence { return q.slower(q.Of.Within(d)).Below(1 - q.At) }

// SurelyAbove is the evidence that the true quantile is above d, however requests are spread within the buckets. Proxies'
// buckets are coarse: each border is some twice the one before, and requests that all take as long as the next are common.
func (q Quantile) SurelyAbove(d time.Duration) Evidence {
	_, most := q.Of.Between(d)
	return q.slower(most).Above(1 - q.At)
}

// SurelyBelow is the evidence that the true quantile is at most d, however requests are spread within the buckets.
func (q Quantile) SurelyBelow(d time.Duration) Evidence {
	least, _ := q.Of.Between(d)
	return q.slower(least).Below(1 - q.At)
}

func (q Quantile) slower(within float64) Count {
	all := q.Of.Count()
	return Count{Hits: max(all-within, 0), All: all}
}

// Interval holds the true quantile at every look but with the probability alpha, however requests are spread within the
// buckets. What lies beyond the last bound of the histogram is not known: high is then Endless.
func (q Quantile) Interval(alpha float64) (low, high time.Duration) {
	enough := Against(alpha / 2)
	high = mesh.Endless
	for _, b := range slices.Backward(q.Of) {
		if q.slower(b.Count).Below(1-q.At).Nats < enough {
			break
		}
		high = b.Upper
	}
	for _, b := range q.Of {
		if q.slower(b.Count).Above(1-q.At).Nats < enough {
			break
		}
		low = b.Upper
	}
	return low, high
}

// places is how many times of each distribution a comparison looks at.
const places = 100

// Slower is the evidence that the true quantile of a is above ratio times that of b, if requests are spread evenly within
// each bucket. For it to be at most that, there must be a time that b reaches and that a, times ratio, keeps to: the
// evidence is against the best of such times.
func Slower(a, b Quantile, ratio float64) Evidence {
	return weakest(a, b, ratio, func(d time.Duration) Evidence { return a.Above(scaled(d, ratio)).plus(b.Below(d)) })
}

// Quicker is the evidence that the true quantile of a is below ratio times that of b, if requests are spread evenly within
// each bucket. The two need not be the same point of their distributions.
func Quicker(a, b Quantile, ratio float64) Evidence {
	return weakest(a, b, ratio, func(d time.Duration) Evidence { return a.Below(scaled(d, ratio)).plus(b.Above(d)) })
}

// weakest is the least evidence at any of the times that b took, or that a took, divided by ratio.
func weakest(a, b Quantile, ratio float64, at func(time.Duration) Evidence) Evidence {
	if a.Of.Count() <= 0 || b.Of.Count() <= 0 {
		return Evidence{Nats: math.Inf(-1)}
	}
	least := endless()
	for i := range places + 1 {
		share := float64(i) / places
		least = least.or(at(b.Of.At(share * b.Of.Count()))).or(at(scaled(a.Of.At(share*a.Of.Count()), 1/ratio)))
	}
	return least
}

// SurelySlower is the evidence that the true quantile of a is above ratio times that of b, however requests are spread
// within the buckets. Between two borders it is least at the longest time.
func SurelySlower(a, b Quantile, ratio float64) Evidence {
	if a.Of.Count() <= 0 || b.Of.Count() <= 0 {
		return Evidence{Nats: math.Inf(-1)}
	}
	least := endless()
	look := func(d time.Duration) { least = least.or(a.SurelyAbove(scaled(d, ratio)).plus(b.SurelyBelow(d))) }
	for _, bucket := range b.Of {
		look(bucket.Upper - 1)
	}
	for _, bucket := range a.Of {
		look(scaled(bucket.Upper, 1/ratio))
	}
	return least
}

func endless() Evidence { return Evidence{math.Inf(1), math.Inf(1)} }

// or is the evidence against the better of two hypotheses.
func (e Evidence) or(o Evidence) Evidence { return Evidence{min(e.Nats, o.Nats), min(e.Gain, o.Gain)} }

// scaled is d times ratio, Endless staying what it is.
func scaled(d time.Duration, ratio float64) time.Duration {
	if product := float64(d) * ratio; d < mesh.Endless && product < float64(mesh.Endless) {
		return time.Duration(product)
	}
	return mesh.Endless
}
