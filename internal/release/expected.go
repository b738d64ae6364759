// SPDX-License-Identifier: Apache-2.0

package release

import (
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/analysis"
)

// Expected is what every caller should serve now: the subsets whose pods it must be able to reach, and the weights in
// percent. Only the new version has to be reachable, and only on the way forward: an old version that is down must not
// keep its cure away, and the way back must not depend on either version.
func Expected(spec api.ReleaseSpec, status api.ReleaseStatus) (subsets []string, weights map[string]int32) {
	weights = map[string]int32{}
	for _, w := range status.Wanted {
		if w.Weight > 0 {
			weights[w.Version] = w.Weight
		}
	}
	if len(weights) == 0 {
		weights[spec.From] = whole
	}
	to := wantedOf(status, spec.To)
	if status.Phase == api.ReleaseConnecting || status.Reason == "" && (status.Phase == api.ReleaseShifting || has(to)) {
		subsets = []string{spec.To}
	}
	return subsets, weights
}

// NeedsProof tells whether the release waits for callers. In other phases Decide ignores Seen.Proof.
func NeedsProof(status api.ReleaseStatus) bool {
	switch status.Phase {
	case api.ReleaseConnecting, api.ReleaseShifting, api.ReleaseReturning:
		return true
	default:
		return false
	}
}

// NeedsSample tells whether it is the time to judge. At other times Decide ignores Seen.Sample.
func NeedsSample(spec api.ReleaseSpec, status api.ReleaseStatus, now time.Time) bool {
	return judges(spec, status) && !now.Before(nextLook(spec, status, now, lastLook(status, now)))
}

// Window is the stretch of time that is judged: since every caller serves the weight, until now.
func Window(_ api.ReleaseSpec, status api.ReleaseStatus, now time.Time) (since, until time.Time) {
	return servedSince(status, now), now
}

// Quantile is the one whose latency is judged, between 0 and 1; 0 when none is. Where callers wait for no answer, P95 is
// measured all the same, so that both versions can be seen side by side.
func Quantile(spec api.ReleaseSpec, status api.ReleaseStatus) float64 {
	a := spec.Strategy.Analysis
	switch {
	case a == nil:
		return 0
	case a.Latency != nil:
		return analysis.Fraction(a.Latency.Quantile)
	case a.Compare != nil && (a.Compare.MaxLatencyIncrease != nil || Received(spec, status)):
		return analysis.Fraction(a.Compare.Quantile)
	case Received(spec, status):
		return analysis.Fraction("")
	default:
		return 0
	}
}

// Beside is the version that the new one is seen beside, as long as it has requests of its own; empty when it has none.
func Beside(spec api.ReleaseSpec, status api.ReleaseStatus) string {
	if spec.Strategy.Analysis == nil || wantedOf(status, spec.To).Weight >= whole {
		return ""
	}
	return spec.From
}

// Received tells whether the new version gets nothing but copies of requests. Callers do not wait for the answers to
// those, so they are measured where they are received.
func Received(spec api.ReleaseSpec, status api.ReleaseStatus) bool {
	to := wantedOf(status, spec.To)
	return to.Mirror != nil && to.Weight == 0 && len(to.Match) == 0
}

// Judged is how many steps of a release are judged.
func Judged(s api.StrategySpec) int {
	n := 0
	for _, stage := range Stages(s) {
		if stage.receives() {
			n++
		}
	}
	return n
}

// judges is true while samples have a say: a share is served, proof is asked for, and the step has not ended. A release
// that has given its unit its word is not judged any more.
func judges(spec api.ReleaseSpec, status api.ReleaseStatus) bool {
	r := current(&status)
	return status.Phase == api.ReleaseObserving && spec.Strategy.Analysis != nil && !waived(spec, status) &&
		r != nil && r.Verdict == nil && view{spec: spec, status: status}.stage().receives()
}

// nextLook is when to judge next: each second in the first minute, then ever more seldom, down to each ten seconds; and
// on the instants at which the step may pass, and at which it has waited long enough for evidence.
func nextLook(spec api.ReleaseSpec, status api.ReleaseStatus, now, last time.Time) time.Time {
	start := servedSince(status, now)
	next := last.Add(min(max(now.Sub(start)/60, lookPace), 10*lookPace))
	stage := view{spec: spec, status: status}.stage()
	for _, d := range []time.Duration{stage.Hold - stage.Warm, stage.Hold, analysis.Deadline(*spec.Strategy.Analysis)} {
		if at := start.Add(d); last.Before(at) && at.Before(next) {
			next = at
		}
	}
	return next
}

// lastLook is when this step was judged last; its beginning when it was not.
func lastLook(status api.ReleaseStatus, now time.Time) time.Time {
	start := servedSince(status, now)
	if status.Verdict != nil && status.Verdict.At.After(start) {
		return status.Verdict.At.Time
	}
	return start
}
