// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/analysis/sequential"
)

// measured is one measurement held against its bound.
type measured struct {
	name, value, bound, query string
	result                    api.VerdictResult
	// words is the measurement as part of a sentence.
	words string
	// confidence says where the true value lies.
	confidence string
}

// longestQuery is how much of a query is kept: a release has many steps, and must fit into the API server's store.
const longestQuery = 1000

func (m measured) evidence(c Case) api.Evidence {
	query := []rune(c.Sample.Asked[m.query])
	return api.Evidence{
		Name: m.name, Value: m.value, Bound: m.bound, Result: m.result, Confidence: m.confidence,
		Query: string(query[:min(len(query), longestQuery)]), Window: c.Window.Round(time.Second).String(),
	}
}

// held holds the sample against each bound that is asked for. Below the least number of requests only the error budget
// and what is not about requests is looked at, the former since it has a say however few there are.
func held(want api.Analysis, c Case) []measured {
	s := c.Sample
	all := []measured{{
		name: "requests", value: fmt.Sprintf("%.0f", s.Requests), bound: fmt.Sprintf("at least %d", minRequests(want)), query: "requests",
		result: api.VerdictPass,
	}}
	enough := s.Requests >= float64(minRequests(want))
	if !enough {
		all[0].result = api.VerdictNoData
		all[0].words = fmt.Sprintf("%.0f requests seen, at least %d needed", s.Requests, minRequests(want))
	}
	if want.ErrorBudget != nil {
		all = append(all, budget(*want.ErrorBudget, s))
	}
	if !enough {
		return all
	}
	alpha := absoluteAlpha(want, c.Steps)
	if want.SuccessRate != nil {
		all = append(all, success(*want.SuccessRate, s, alpha))
	}
	if want.Unanswered != nil {
		all = append(all, unanswered(*want.Unanswered, s, alpha))
	}
	if want.RequestRate != nil {
		all = append(all, rates(*want.RequestRate, c, alpha)...)
	}
	if want.Latency != nil {
		all = append(all, latency(*want.Latency, c, alpha))
	}
	if want.Compare != nil {
		all = append(all, compare(want, c)...)
	}
	return append(all, metrics(want.Metrics, c)...)
}

// absoluteRisk is the probability that a release which keeps to every absolute bound is ever taken for one that does not,
// over all of its steps, bounds and looks.
const absoluteRisk = 0.005

// absoluteAlpha is one bound's part of it, in one step.
func absoluteAlpha(want api.Analysis, steps int) float64 {
	return absoluteRisk / float64(max(steps, 1)*max(tests(want), 1))
}

// tests is how many absolute bounds are judged by chance.
func tests(want api.Analysis) int {
	n := 0
	for _, asked := range []bool{
		want.SuccessRate != nil, want.Unanswered != nil, want.Latency != nil,
		want.RequestRate != nil && want.RequestRate.Min != nil, want.RequestRate != nil && want.RequestRate.Max != nil,
	} {
		if asked {
			n++
		}
	}
	return n
}

// decide gives the result of a value that is beyond its bound, or is not, when so much speaks against the bound.
func (m measured) decide(beyond bool, against sequential.Evidence, alpha float64, why string) measured {
	switch {
	case !beyond:
		m.result = api.VerdictPass
	case against.Nats >= sequential.Against(alpha):
		m.result, m.words = api.VerdictFail, m.words+why
	default:
		m.result, m.words = api.VerdictUndecided, m.words+why+" so far, which may be chance"
	}
	return m
}

// between says where the true value lies at every look, but with the probability alpha.
func between(low, high string, alpha float64) string {
	return fmt.Sprintf("between %s and %s, with a confidence of %s", low, high, percent(100*(1-alpha), 3))
}
