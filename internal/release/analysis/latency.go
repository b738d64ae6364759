// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/release/analysis/sequential"
)

// latency holds a quantile against its bound.
func latency(want api.Latency, c Case, alpha float64) measured {
	name := string(quantile(want.Quantile))
	m := measured{name: name, value: "none", bound: "at most " + exactly(want.Max.Duration), query: "latency"}
	q := sequential.Quantile{Of: c.Sample.Latency, At: Fraction(want.Quantile)}
	is := c.Sample.Latency.Quantile(q.At)
	if is < 0 {
		m.words, m.result = name+" was not measured", api.VerdictNoData
		return m
	}
	m.value, m.confidence = about(is), times(q, alpha)
	m.words = name + " " + m.value
	limit := want.Max.Duration
	m = m.decide(is > limit, q.SurelyAbove(limit), alpha, " is above "+exactly(limit))
	switch {
	case m.result == api.VerdictFail && c.Early && q.SurelyAbove(2*limit).Nats < sequential.Against(alpha):
		m.result, m.words = api.VerdictUndecided, m.words+" so far, which may be warm-up"
	case m.result == api.VerdictUndecided && q.Above(limit).Nats >= sequential.Against(alpha):
		lower, upper := c.Sample.Latency.Around(limit)
		m.words = fmt.Sprintf("%s is between %s and %s, and proxies do not count finer; a bound of either can be decided",
			name, exactly(lower), exactly(upper))
	}
	return m
}

// times says where the true quantile lies.
func times(q sequential.Quantile, alpha float64) string {
	low, high := q.Interval(alpha)
	least := "nothing"
	if low > 0 {
		least = about(low)
	}
	if high == mesh.Endless {
		return between(least, "more than was measured", alpha)
	}
	return between(least, about(high), alpha)
}

// roundly words a time as long as a person cares for.
func roundly(d time.Duration) string { return d.Round(time.Second).String() }
