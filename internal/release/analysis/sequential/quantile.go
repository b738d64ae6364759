// SPDX-License-Identifier: Apache-2.0

package sequential

import (
	"math"
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

// Above is the evidence that the true quantile is above d.
func (q Quantile) Above(d time.Duration) Evidence { return q.slower(d).Above(1 - q.At) }

// Below is the evidence that the true quantile is below d.
func (q Quantile) Below(d time.Duration) Evidence { return q.slower(d).Below(1 - q.At) }

func (q Quantile) slower(d time.Duration) Count {
	all := q.Of.Count()
	return Count{Hits: max(all-q.Of.Within(d), 0), All: all}
}

// Interval holds the true quantile at every look but with the probability alpha. What lies beyond the last bound of the
// histogram is not known: high is then Endless.
func (q Quantile) Interval(alpha float64) (low, high time.Duration) {
	enough, all := Against(alpha/2), q.Of.Count()
	rank := q.At * all
	below := border(0, rank, func(r float64) bool { return Count{all - r, all}.Above(1-q.At).Nats >= enough })
	above := border(all, rank, func(r float64) bool { return Count{all - r, all}.Below(1-q.At).Nats >= enough })
	if low = q.Of.At(below); below <= 0 {
		low = 0
	}
	if high = q.Of.At(above); above >= all || above > q.known() {
		high = mesh.Endless
	}
	return low, high
}

// known is how many requests lie within the last bound.
func (q Quantile) known() float64 {
	if n := len(q.Of); n > 1 {
		return q.Of[n-2].Count
	}
	return 0
}

// places is how many times of each distribution a comparison looks at.
const places = 100

// Slower is the evidence that the true quantile of a is above ratio times that of b. For it to be at most that, there
// must be a time that b reaches and that a, times ratio, keeps to: the evidence is against the best of such times.
func Slower(a, b Quantile, ratio float64) Evidence {
	least := Evidence{math.Inf(1), math.Inf(1)}
	if a.Of.Count() <= 0 || b.Of.Count() <= 0 {
		return Evidence{Nats: math.Inf(-1)}
	}
	look := func(d time.Duration) {
		e := a.Above(time.Duration(float64(d) * ratio)).plus(b.Below(d))
		least = Evidence{min(least.Nats, e.Nats), min(least.Gain, e.Gain)}
	}
	for i := range places + 1 {
		share := float64(i) / places
		look(b.Of.At(share * b.Of.Count()))
		look(time.Duration(float64(a.Of.At(share*a.Of.Count())) / ratio))
	}
	return least
}
