// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/release/analysis/sequential"
)

// success holds the share of good answers against its bound.
func success(want api.SuccessRate, s mesh.Sample, alpha float64) measured {
	least, is := want.MinPercent, s.SuccessPercent()
	m := measured{name: "success", value: percent(is, decimals(least)), bound: "at least " + percent(least, 6), query: "failed"}
	m.words = "success " + m.value
	failures := sequential.Count{Hits: s.Failed, All: s.Requests}
	low, high := failures.Interval(alpha)
	m.confidence = between(percent(100*(1-high), 2), roundUp(100*(1-low), 2), alpha)
	return m.decide(is < least, failures.Above(1-least/100), alpha, " is below "+percent(least, 6))
}

// budget counts the requests that failed. A count is no estimate: once it is used up, that is so.
func budget(want api.ErrorBudget, s mesh.Sample) measured {
	failures := math.Round(s.Failed)
	m := measured{
		name: "failures", value: fmt.Sprintf("%.0f", failures), bound: fmt.Sprintf("at most %d", want.MaxFailures), query: "failed",
		result: api.VerdictPass,
	}
	m.words = fmt.Sprintf("%.0f failed", failures)
	if failures > float64(want.MaxFailures) {
		m.result = api.VerdictFail
		m.words = fmt.Sprintf("%.0f failed, where %d may", failures, want.MaxFailures)
	}
	return m
}

// unanswered holds the share of requests without any answer against its bound.
func unanswered(want api.Unanswered, s mesh.Sample, alpha float64) measured {
	lost := sequential.Count{Hits: s.Unanswered, All: s.Requests}
	is := 100 * lost.Share()
	m := measured{
		name: "unanswered", value: roundUp(is, decimals(want.MaxPercent)), bound: "at most " + percent(want.MaxPercent, 6), query: "unanswered",
	}
	m.words = m.value + " without an answer"
	low, high := lost.Interval(alpha)
	m.confidence = between(percent(100*low, 2), roundUp(100*high, 2), alpha)
	return m.decide(is > want.MaxPercent, lost.Above(want.MaxPercent/100), alpha, " is above "+percent(want.MaxPercent, 6))
}

// rates hold the requests a second against their bounds.
func rates(want api.RequestRate, c Case, alpha float64) []measured {
	seconds := c.Sample.Span.Seconds()
	rate := sequential.Rate{Events: c.Sample.Requests, Seconds: seconds}
	m := measured{name: "rate", value: "none", query: "requests"}
	if seconds <= 0 {
		m.result, m.words = api.VerdictNoData, "the rate was not measured"
		return []measured{m}
	}
	is := c.Sample.Requests / seconds
	m.value = fmt.Sprintf("%.4g/s", is)
	m.words = m.value
	var all []measured
	if least := want.Min; least != nil {
		low := m
		low.bound = fmt.Sprintf("at least %g/s", *least)
		all = append(all, low.decide(is < *least, rate.Below(*least), alpha, fmt.Sprintf(" is below %g/s", *least)))
	}
	if most := want.Max; most != nil {
		high := m
		high.bound = fmt.Sprintf("at most %g/s", *most)
		all = append(all, high.decide(is > *most, rate.Above(*most), alpha, fmt.Sprintf(" is above %g/s", *most)))
	}
	return all
}
