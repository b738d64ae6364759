// SPDX-License-Identifier: Apache-2.0

package release

import api "weir.dev/weir/api/v1alpha1"

// These rules lead back. None of them asks for metrics, callers, a gate, or the health of the new version.

// canReturn is true until the old version's pods are told to go; in a unit, until it has decided to go on.
func (v view) canReturn() bool {
	if v.spec.Unit != nil && (v.in(api.ReleaseDraining) || v.gaveWord() && v.decided()) {
		return false
	}
	return v.stillReturns()
}

func (v view) stillReturns() bool {
	return !v.goingBack() && (v.movesForward() || v.in(api.ReleaseDraining))
}

func withUnit(v view) (move, bool) {
	p, hit := v.turned()
	return v.back(ReasonUnit, "the release "+p.Name+" of its unit does not go on"), hit
}

func abort(v view) (move, bool) {
	return v.back(ReasonAborted, "aborted"), v.spec.Abort && v.canReturn()
}

// superseded lets a version that already serves everything finish before the next begins, unless the old one is
// wanted back: its pods are still there.
func superseded(v view) (move, bool) {
	desired := v.seen.Desired
	hit := v.isSuperseded() && v.canReturn() && (v.movesForward() || desired == v.spec.From)
	if desired == v.spec.From {
		return v.back(ReasonSuperseded, "the application asks for "+desired+" again"), hit
	}
	return v.back(ReasonSuperseded, "superseded by "+desired), hit
}

func (v view) isSuperseded() bool { return v.seen.Desired != "" && v.seen.Desired != v.spec.To }

func noPodsLeft(v view) (move, bool) {
	hit := v.stillReturns() && v.stage().exposed() && v.seen.To.Ready == 0
	if v.lost() {
		return v.back(ReasonLost,
			"the workload of "+v.spec.To+" was deleted or scaled to nothing by somebody else, and none of its pods is ready"), hit
	}
	return v.back(ReasonUnhealthy, "no pod of "+v.spec.To+" is ready"+v.problem()), hit
}

// lost is true when the new version's workload is gone, or was made anew since the version got its first share.
func (v view) lost() bool {
	if len(v.status.Steps) == 0 {
		return false
	}
	return v.seen.To.Replicas == 0 || v.seen.To.Made.After(v.status.Steps[0].WantedAt.Time)
}

func neverReady(v view) (move, bool) {
	why := v.readyWords() + " after " + short(readyDeadline(v.spec)) + v.problem()
	waits := v.in(api.ReleasePreparing) || v.in(api.ReleaseConnecting) && !v.connected()
	return v.back(ReasonNotReady, why), waits && !v.goingBack() && !v.podsReady() && v.lasted() >= readyDeadline(v.spec)
}

func failed(v view) (move, bool) {
	if !v.in(api.ReleaseObserving) || waived(v.spec, v.status) || v.gaveWord() {
		return move{}, false
	}
	if r := current(&v.status); r != nil && r.Verdict != nil {
		return v.stay(v.status.Message), true
	}
	reason, why := v.failure()
	if reason == "" {
		return move{}, false
	}
	if v.spec.Strategy.OnFailure == api.FailurePause {
		return v.stay("held for the user to promote or abort: " + why).withVerdict(), true
	}
	return v.back(reason, why).withVerdict(), true
}

func gateFailed(v view) (move, bool) {
	r := v.shut()
	if r == nil {
		return move{}, false
	}
	why := "the gate " + r.Name + " has failed: " + r.Message
	if v.spec.Strategy.OnFailure == api.FailurePause {
		return v.stay("held for the user to promote or abort: " + why), true
	}
	return v.back(ReasonGateFailed, why), true
}

func callersReturn(v view) (move, bool) {
	if v.served {
		return next(api.ReleaseDraining, cause(v.status)), v.in(api.ReleaseReturning)
	}
	return v.wait(cause(v.status) + also + v.proofWords()), v.in(api.ReleaseReturning)
}

// drain also waits for the new version's pods on the way forward: without the old ones they carry everything.
func drain(v view) (move, bool) {
	if !v.in(api.ReleaseDraining) {
		return move{}, false
	}
	until := v.status.DrainUntil
	switch {
	case until == nil:
		return next(api.ReleaseDraining, v.drainWords()), true
	case v.now.Before(until.Time):
		return v.stay(v.drainWords()), true
	case !v.goingBack() && !v.podsReady():
		return v.stay(v.podWords()), true
	default:
		return next(api.ReleaseRetiring, v.retireWords()), true
	}
}

func retire(v view) (move, bool) {
	if !v.in(api.ReleaseRetiring) {
		return move{}, false
	}
	switch {
	case v.goingBack() && gone(v.seen.To):
		return next(api.ReleaseRolledBack, cause(v.status)), true
	case !v.goingBack() && gone(v.seen.From):
		return next(api.ReleasePromoted, v.promotedWords()), true
	default:
		return v.stay(v.retireWords()), true
	}
}
