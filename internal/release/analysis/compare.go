// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/release/analysis/sequential"
)

// compare holds the version against the one beside it. Two equal versions are never quite equal in what is seen, so a
// version passes while nothing speaks against it; what a single look would be suspicious of is looked at longer. That
// nothing is seen says little after a few requests: a version passes once a fault that matters would have shown.
func compare(want api.Analysis, c Case) []measured {
	if c.Beside == "" {
		return []measured{{name: "comparison", value: "none", bound: "nothing runs beside", result: api.VerdictPass}}
	}
	least := minRequests(want)
	if b := c.Sample.Beside; b == nil || b.Requests < float64(least) {
		m := measured{name: "requests beside", value: "none", bound: fmt.Sprintf("at least %d", least), query: "beside requests",
			result: api.VerdictNoData}
		m.words = fmt.Sprintf("nothing to compare with: %s had fewer than %d requests", c.Beside, least)
		if b != nil {
			m.value = fmt.Sprintf("%.0f", b.Requests)
		}
		return []measured{m}
	}
	asked := *want.Compare
	alpha := relativeAlpha(asked, c.Steps)
	all := []measured{moreFailures(asked, c, alpha)}
	if asked.MaxLatencyIncrease != nil {
		all = append(all, moreLatency(asked, c, alpha))
	}
	return all
}

// relativeAlpha is one comparison's part, in one step, of what the confidence leaves.
func relativeAlpha(want api.Compare, steps int) float64 {
	n := 1
	if want.MaxLatencyIncrease != nil {
		n++
	}
	return (1 - Confidence(want)) / float64(n*max(steps, 1))
}

// moreFailures compares the shares of failed requests. Those that reached no version belong to neither.
func moreFailures(want api.Compare, c Case, alpha float64) measured {
	is, was := own(c.Sample), own(*c.Sample.Beside)
	m := measured{name: "failures beside " + c.Beside, query: "beside failed"}
	m.value = roundUp(100*is.Share(), 2) + " against " + percent(100*was.Share(), 2)
	m.bound = fmt.Sprintf("at most %g in 100 more", want.MaxErrorIncrease)
	m.words = fmt.Sprintf("%s failed, where of %s %s did", roundUp(100*is.Share(), 2), c.Beside, percent(100*was.Share(), 2))
	margin := want.MaxErrorIncrease / 100
	m = m.weigh(sequential.Worse(is, was, margin), alpha)
	better := func() sequential.Evidence { return sequential.Better(is, was, margin+max(matters, was.Share())) }
	return m.once(better, "whether more fail than of "+c.Beside)
}

// missed is the probability that a fault which matters is ever passed over, of one that lies just where it begins to matter.
const missed = 0.01

// What matters beyond what is allowed: that five of 100 requests more fail, or as many again as of the version beside; that
// so many times more than it may be are slower than its quantile may be.
const (
	matters       = 0.05
	mattersSlower = 3
)

// once lets the measurement pass only when so much speaks against a fault that matters.
func (m measured) once(against func() sequential.Evidence, what string) measured {
	if m.result == api.VerdictPass && against().Nats < sequential.Against(missed) {
		m.result, m.confidence = api.VerdictNoData, "too few requests to tell"
		m.words = "there are too few requests to tell " + what
	}
	return m
}

// moreLatency compares a quantile.
func moreLatency(want api.Compare, c Case, alpha float64) measured {
	name := string(quantile(want.Quantile))
	at := Fraction(want.Quantile)
	is, was := sequential.Quantile{Of: c.Sample.Latency, At: at}, sequential.Quantile{Of: c.Sample.Beside.Latency, At: at}
	m := measured{name: name + " beside " + c.Beside, query: "beside latency", value: "none"}
	m.bound = fmt.Sprintf("at most %g %% more", *want.MaxLatencyIncrease)
	if is.Of.Count() <= 0 || was.Of.Count() <= 0 {
		m.words, m.result = name+" was not measured on both sides", api.VerdictNoData
		return m
	}
	m.value = about(is.Of.Quantile(at)) + " against " + about(was.Of.Quantile(at))
	m.words = fmt.Sprintf("%s %s, where of %s it is %s", name, about(is.Of.Quantile(at)), c.Beside, about(was.Of.Quantile(at)))
	ratio := 1 + *want.MaxLatencyIncrease/100
	surely := sequential.SurelySlower(is, was, ratio)
	surely.Gain = sequential.Slower(is, was, ratio).Gain // what the buckets do not prove is worth a second look
	if m = m.weigh(surely, alpha); m.result == api.VerdictFail && c.Early {
		if sequential.SurelySlower(is, was, 2*ratio).Nats < sequential.Against(alpha) {
			m.result, m.words, m.confidence = api.VerdictUndecided, m.words+" so far, which may be warm-up", "may be warm-up"
		}
	}
	few := is
	few.At = 1 - min(mattersSlower*(1-at), 1-at/2)
	quicker := func() sequential.Evidence { return sequential.Quicker(few, was, ratio) }
	return m.once(quicker, "whether "+name+" is above that of "+c.Beside)
}

// weigh is the result of a comparison.
func (m measured) weigh(against sequential.Evidence, alpha float64) measured {
	const more = ", which is more than is allowed"
	switch {
	case against.Nats >= sequential.Against(alpha):
		m.result, m.words = api.VerdictFail, m.words+more
		m.confidence = "more than is allowed, with a confidence of " + percent(100*(1-alpha), 3)
	case against.Suspicious():
		m.result, m.words = api.VerdictUndecided, m.words+more+" so far, and may be chance"
		m.confidence = "may be chance"
	default:
		m.result, m.confidence = api.VerdictPass, "nothing shows that it is more"
	}
	return m
}

func own(s mesh.Sample) sequential.Count {
	return sequential.Count{Hits: s.Failed - s.Lost, All: s.Requests - s.Lost}
}
