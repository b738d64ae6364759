// SPDX-License-Identifier: Apache-2.0

// Package analysis judges what was seen of a version: it passes, it fails, it may be chance, there is too little to
// tell, or the metrics could not be read. The last two say nothing about the version.
//
// A bound passes when what was seen keeps to it, and fails when chance does not explain that it does not; in between
// nothing is decided yet. Chance is judged by tests that allow any number of looks, see package sequential.
package analysis

import (
	"fmt"
	"math"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// Case is what is judged.
type Case struct {
	Sample mesh.Sample
	// Err is why there is no sample.
	Err error
	// Window is the time the sample covers.
	Window time.Duration
	// Early is true before the step has lasted its time. Until then, latency has to be beyond twice its bound to fail,
	// since the first requests warm up connections and caches, and metrics without a sample size do not fail.
	Early bool
	// Steps is how many steps of the release are judged. The risk of taking chance for a fault is shared among them.
	Steps int
	// Beside names the version that is compared with; empty when none has requests of its own.
	Beside string
}

// Judge gives the verdict at the time now. The same case always gets the same verdict.
func Judge(now time.Time, want api.Analysis, c Case) api.Verdict {
	verdict := api.Verdict{At: metav1.MicroTime{Time: now}}
	if err := c.broken(); err != "" {
		verdict.Result, verdict.Message = api.VerdictError, "the metrics cannot be read: "+err
		return verdict
	}
	c.Sample = whole(c.Sample)
	verdict.Requests = int64(c.Sample.Requests)
	all := held(want, c)
	for _, m := range all {
		verdict.Evidence = append(verdict.Evidence, m.evidence(c))
	}
	verdict.Result, verdict.Message = sum(all, verdict.Requests)
	return verdict
}

// sum is the verdict over everything that was measured: the gravest of all results, in the words of what has it.
func sum(all []measured, requests int64) (api.VerdictResult, string) {
	gravest := api.VerdictPass
	for _, m := range all {
		if grave(m.result) > grave(gravest) {
			gravest = m.result
		}
	}
	var words []string
	for _, m := range all {
		if m.result == gravest && m.words != "" {
			words = append(words, m.words)
		}
	}
	switch {
	case len(words) == 0:
		return gravest, fmt.Sprintf("%d requests", requests)
	case gravest == api.VerdictNoData && all[0].result == gravest:
		return gravest, all[0].words
	default:
		return gravest, fmt.Sprintf("%s (%d requests)", strings.Join(words, ", "), requests)
	}
}

// grave orders results. A fault that was seen is one, whatever else is not known; what cannot be read may come back, so
// it comes before what is merely open.
func grave(r api.VerdictResult) int {
	switch r {
	case api.VerdictFail:
		return 4
	case api.VerdictError:
		return 3
	case api.VerdictNoData:
		return 2
	case api.VerdictUndecided:
		return 1
	default:
		return 0
	}
}

// broken says why the sample is no measurement.
func (c Case) broken() string {
	if c.Err != nil {
		return oneLine(root(c.Err).Error())
	}
	for s := &c.Sample; s != nil; s = s.Beside {
		numbers := []float64{s.Requests, s.Failed, s.Unanswered, s.Lost}
		for _, b := range s.Latency {
			numbers = append(numbers, b.Count)
		}
		for _, f := range numbers {
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return "the answer is not a number"
			}
		}
	}
	if s := c.Sample; s.Age > max(staleScrapes*s.Every, staleAge) {
		return "the newest value is " + roundly(s.Age) + " old; see whether the proxies are still scraped"
	}
	return ""
}

// Metrics are stale when they are older than this, or than so many scrapes.
const (
	staleAge     = 15 * time.Second
	staleScrapes = 3
)

// whole makes counts whole and keeps them within reason: a store may extrapolate, so they may be fractions, or more
// failed than asked.
func whole(s mesh.Sample) mesh.Sample {
	s.Requests = math.Round(min(max(s.Requests, 0), 1e15))
	s.Failed = min(max(s.Failed, 0), s.Requests)
	s.Unanswered = min(max(s.Unanswered, 0), s.Requests)
	s.Lost = min(max(s.Lost, 0), s.Failed)
	if s.Beside != nil {
		beside := whole(*s.Beside)
		s.Beside = &beside
	}
	return s
}
