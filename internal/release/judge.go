// SPDX-License-Identifier: Apache-2.0

package release

import (
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/analysis"
)

// early is true while the weight has not been watched for its time.
func (v view) early() bool { return v.watched() < v.stage().Hold-v.stage().Warm }

// late is true when the step has waited for evidence as long as it may.
func (v view) late() bool {
	return !v.early() && v.watched() >= analysis.Deadline(*v.spec.Strategy.Analysis)
}

// failure is why the step has failed, with the reason's word; both are empty when it has not.
func (v view) failure() (reason, why string) {
	switch f := v.fresh; {
	case f == nil:
		return "", ""
	case f.Result == api.VerdictFail:
		return ReasonUnhealthy, f.Message
	case v.missing(*f) != api.MissingFail || !v.late() || v.hasPassed():
		return "", ""
	case f.Result == api.VerdictNoData, f.Result == api.VerdictUndecided:
		return ReasonNoData, f.Message
	default:
		return ReasonMetricsError, f.Message
	}
}

// proven is true when the verdict of this moment lets the step end well. A step that has passed and waits for something
// else has the newest verdict.
func (v view) proven() bool {
	verdict := v.fresh
	if verdict == nil && v.hasPassed() {
		verdict = v.status.Verdict
	}
	if verdict == nil {
		return false
	}
	return verdict.Result == api.VerdictPass || v.missing(*verdict) == api.MissingPass && v.late()
}

// missing is what the strategy asks for when there is nothing to decide by; empty when there is something.
func (v view) missing(verdict api.Verdict) api.MissingAction {
	switch verdict.Result {
	case api.VerdictNoData, api.VerdictUndecided:
		return v.spec.Strategy.Analysis.OnNoData
	case api.VerdictError:
		return v.spec.Strategy.Analysis.OnMetricsError
	default:
		return ""
	}
}

// proofPace is how soon to ask callers again.
func (v view) proofPace() time.Duration {
	switch lasted := v.lasted(); {
	case lasted < proofHaste:
		return proofPace
	case lasted < proofPatience:
		return midProofPace
	default:
		return slowProofPace
	}
}

// young is true while it is no news that callers are not there yet: telling it would take as long as they do.
func (v view) young() bool {
	awaits := v.in(api.ReleaseConnecting, api.ReleaseShifting, api.ReleaseReturning)
	return awaits && !v.served && v.seen.ProofError == nil && v.lasted() < proofHaste
}

// wait stays for callers, with what there is to say of them.
func (v view) wait(words string) move {
	if v.young() {
		return v.stay(v.status.Message)
	}
	return v.stay(words)
}

// pace is how soon to look again in this phase when nothing happens.
func (v view) pace() time.Duration {
	wake := restPace
	switch v.status.Phase {
	case api.ReleaseConnecting, api.ReleaseShifting, api.ReleaseReturning:
		wake = v.proofPace()
	case api.ReleasePreparing:
		wake = readyDeadline(v.spec) - v.lasted()
	case api.ReleaseObserving:
		wake = v.lookPace()
	case api.ReleaseDraining:
		if v.status.DrainUntil != nil {
			wake = v.status.DrainUntil.Sub(v.now)
		}
	default: // nothing is due
	}
	if wake <= 0 {
		return restPace
	}
	return min(max(wake, atOnce), restPace)
}

// lookPace is until the weight is judged next, or until it has been watched for its time.
func (v view) lookPace() time.Duration {
	if !judges(v.spec, v.status) {
		return v.watchTime() - v.watched()
	}
	last := lastLook(v.status, v.now)
	if v.fresh != nil {
		last = v.now
	}
	return nextLook(v.spec, v.status, v.now, last).Sub(v.now)
}
