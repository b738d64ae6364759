// SPDX-License-Identifier: Apache-2.0

package analysis

import (
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
	m = m.decide(is > limit, q.Above(limit), alpha, " is above "+exactly(limit))
	if m.result == api.VerdictFail && c.Early && q.Above(2*limit).Nats < sequential.Against(alpha) {
		m.result, m.words = api.VerdictUndecided, m.words+" so far, which may be warm-up"
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
