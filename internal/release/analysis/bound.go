// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

// measured is one measurement held against its bound.
type measured struct {
	name, value, bound, query string
	result                    api.VerdictResult
	// words is the measurement as part of a sentence.
	words string
}

func (m measured) evidence(c Case) api.Evidence {
	return api.Evidence{
		Name: m.name, Value: m.value, Bound: m.bound,
		Query: c.Sample.Queries[m.query], Window: c.Window.Round(time.Second).String(),
	}
}

// held holds the sample against each bound that is asked for.
func held(want api.Analysis, c Case, requests, failed float64) []measured {
	var all []measured
	if want.SuccessRate != nil {
		all = append(all, success(want.SuccessRate.MinPercent, requests, failed, c.Early))
	}
	if want.Latency != nil {
		all = append(all, latency(*want.Latency, c))
	}
	return all
}

func success(least, requests, failed float64, early bool) measured {
	is := 100 * (requests - failed) / requests
	m := measured{name: "success", value: percent(is, decimals(least)), bound: "at least " + percent(least, 6), query: "failed"}
	m.words, m.result = "success "+m.value, api.VerdictPass
	if is >= least {
		return m
	}
	m.words, m.result = m.words+" is below "+percent(least, 6), api.VerdictFail
	if early && 100*atMost(requests, failed) >= least {
		m.words, m.result = m.words+" so far, which may be chance", api.VerdictNoData
	}
	return m
}

// latency early fails at twice its bound: the first requests warm up connections and caches.
func latency(want api.Latency, c Case) measured {
	q := string(quantile(want.Quantile))
	m := measured{name: q, value: "none", bound: "at most " + exactly(want.Max.Duration), query: "latency"}
	is := c.Sample.Latency
	if is < 0 {
		m.words, m.result = q+" was not measured", api.VerdictNoData
		return m
	}
	m.value = about(is)
	m.words, m.result = q+" "+m.value, api.VerdictPass
	if is <= want.Max.Duration {
		return m
	}
	m.words, m.result = m.words+" is above "+exactly(want.Max.Duration), api.VerdictFail
	if c.Early && is <= 2*want.Max.Duration {
		m.words, m.result = m.words+" so far, which may be warm-up", api.VerdictNoData
	}
	return m
}

// atMost is the highest share of good answers that still explains the failures seen: the upper end of Wilson's score
// interval, one-sided at 99 % (E. B. Wilson, Probable inference, the law of succession, and statistical inference,
// JASA 22 (1927), p. 209).
func atMost(requests, failed float64) float64 {
	const z = 2.326
	p := (requests - failed) / requests
	middle := p + z*z/(2*requests)
	spread := z * math.Sqrt(p*(1-p)/requests+z*z/(4*requests*requests))
	return (middle + spread) / (1 + z*z/requests)
}
