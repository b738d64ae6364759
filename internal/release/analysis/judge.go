// SPDX-License-Identifier: Apache-2.0

// Package analysis judges what callers saw of a version: it passes, it fails, there is too little to tell, or the
// metrics could not be read. The last two say nothing about the version.
package analysis

import (
	"errors"
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
	// Early asks for more than a broken bound: only what chance does not explain fails. The few requests at the
	// start of a step would otherwise send good versions back.
	Early bool
}

// Judge gives the verdict at the time now. The same case always gets the same verdict.
func Judge(now time.Time, want api.Analysis, c Case) api.Verdict {
	verdict := api.Verdict{At: metav1.MicroTime{Time: now}}
	if err := c.broken(); err != "" {
		verdict.Result, verdict.Message = api.VerdictError, "the metrics cannot be read: "+err
		return verdict
	}
	requests, failed := c.counts()
	verdict.Requests = int64(requests)
	enough := measured{
		name: "requests", value: fmt.Sprintf("%.0f", requests), bound: fmt.Sprintf("at least %d", minRequests(want)), query: "requests",
	}
	verdict.Evidence = []api.Evidence{enough.evidence(c)}
	if verdict.Requests < minRequests(want) {
		verdict.Result = api.VerdictNoData
		verdict.Message = fmt.Sprintf("%d requests seen, at least %d needed", verdict.Requests, minRequests(want))
		return verdict
	}
	bounds := held(want, c, requests, failed)
	for _, b := range bounds {
		verdict.Evidence = append(verdict.Evidence, b.evidence(c))
	}
	verdict.Result, verdict.Message = sum(bounds, verdict.Requests)
	return verdict
}

// sum is the verdict over all bounds: one that fails is enough, and one that is missing leaves it open.
func sum(bounds []measured, requests int64) (api.VerdictResult, string) {
	result := api.VerdictPass
	var good, bad, open []string
	for _, b := range bounds {
		switch b.result {
		case api.VerdictFail:
			bad = append(bad, b.words)
		case api.VerdictNoData:
			open = append(open, b.words)
		default:
			good = append(good, b.words)
		}
	}
	words := good
	switch {
	case len(bad) > 0:
		result, words = api.VerdictFail, bad
	case len(open) > 0:
		result, words = api.VerdictNoData, open
	}
	if len(words) == 0 {
		return result, fmt.Sprintf("%d requests", requests)
	}
	return result, fmt.Sprintf("%s (%d requests)", strings.Join(words, ", "), requests)
}

// broken says why the sample is no measurement.
func (c Case) broken() string {
	if c.Err != nil {
		return oneLine(root(c.Err).Error())
	}
	for _, f := range []float64{c.Sample.Requests, c.Sample.Failed} {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return "the answer is not a number"
		}
	}
	return ""
}

// counts are whole and within reason: Prometheus extrapolates, so they may be fractions, or more failed than asked.
func (c Case) counts() (requests, failed float64) {
	requests = math.Round(min(max(c.Sample.Requests, 0), 1e15))
	return requests, min(max(c.Sample.Failed, 0), requests)
}

// root is what went wrong at first. What is wrapped around it tells the query, which differs from one judgement to the
// next; the same trouble should read the same.
func root(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:199]) + "…"
	}
	return s
}
