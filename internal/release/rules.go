// SPDX-License-Identifier: Apache-2.0

package release

import api "weir.dev/weir/api/v1alpha1"

// Why a release went back.
const (
	ReasonAborted      = "Aborted"
	ReasonSuperseded   = "Superseded"
	ReasonUnhealthy    = "Unhealthy"
	ReasonNotReady     = "NotReady"
	ReasonNoData       = "NoData"
	ReasonMetricsError = "MetricsError"
	ReasonGateFailed   = "GateFailed"
	ReasonUnit         = "Unit"
)

// rule answers with a move, or that it has nothing to say.
type rule struct {
	name string
	ask  func(view) (move, bool)
}

// rules is the rule book. The first rule that has something to say decides.
var rules = []rule{
	{"ended", ended},                           // A release that has ended stays as it is.
	{"begin", begin},                           // The new version gets its pods; nothing of the old one changes.
	{"abort", abort},                           // Whoever aborts is obeyed, as long as the old pods are there.
	{"superseded", superseded},                 // A version that nobody asks for any more goes back.
	{"no pods left", noPodsLeft},               // Requests to a version without a ready pod fail: back at once.
	{"never ready", neverReady},                // Pods that do not become ready in time go; no caller ever saw them.
	{"failed", failed},                         // What failed goes back, or waits for the user when that is asked for.
	{"callers return", callersReturn},          // On the way back, every caller serves the old version before the drain.
	{"drain", drain},                           // Requests in flight end before their pods do.
	{"retire", retire},                         // Pods end before their subset goes; with that the release has ended.
	{"observe", observe},                       // A weight is watched from when every caller serves it, not before.
	{"paused", paused},                         // A pause keeps the weights; what is seen still goes on record.
	{"promote", promote},                       // A promotion skips the steps and proofs that remain.
	{"wait for pods", waitForPods},             // No weight rises above what ready pods can carry.
	{"connect", connect},                       // Ready pods become reachable, without weight.
	{"wait for callers", waitForCallers},       // Nothing goes on before every caller's proxy has it.
	{"first share", firstShare},                // A version that every caller can reach gets its first share.
	{"watch", watch},                           // A weight is watched for its time.
	{"wait for evidence", waitForEvidence},     // No evidence is no good evidence, unless the strategy says so.
	{"next share", nextShare},                  // What has passed gets its next share.
	{"drain the old version", drainOldVersion}, // What serves everything, and has passed, takes the old one's place.
}

func ended(v view) (move, bool) {
	return move{message: v.status.Message}, v.status.Phase.Finished()
}

func begin(v view) (move, bool) {
	return next(api.ReleasePreparing, v.podWords()), v.status.Phase == ""
}

func observe(v view) (move, bool) {
	return next(api.ReleaseObserving, v.watchWords()), v.in(api.ReleaseShifting) && v.served
}

func paused(v view) (move, bool) {
	return v.stay("paused" + also + v.waitWords()), v.spec.Paused && v.movesForward()
}

func promote(v view) (move, bool) {
	hit := promoting(v.spec) && v.in(api.ReleaseShifting, api.ReleaseObserving) && !v.stage().everything() && v.podsReady()
	if !hit {
		return move{}, false
	}
	return v.shift(), true
}

func waitForPods(v view) (move, bool) {
	waits := v.in(api.ReleasePreparing, api.ReleaseConnecting, api.ReleaseObserving)
	return v.stay(v.podWords()), waits && !v.podsReady()
}

func connect(v view) (move, bool) {
	return next(api.ReleaseConnecting, "callers are told how to reach "+v.spec.To), v.in(api.ReleasePreparing)
}

func waitForCallers(v view) (move, bool) {
	return v.stay(v.proofWords()), v.in(api.ReleaseConnecting, api.ReleaseShifting) && !v.served
}

func firstShare(v view) (move, bool) {
	return v.shift().withVerdict(), v.in(api.ReleaseConnecting)
}

func watch(v view) (move, bool) {
	return v.stay(v.watchWords()), v.in(api.ReleaseObserving) && !promoting(v.spec) && v.early()
}

func waitForEvidence(v view) (move, bool) {
	waits := v.in(api.ReleaseObserving) && v.spec.Strategy.Analysis != nil && !promoting(v.spec) && !v.passed()
	return v.stay(v.watchWords()), waits
}

func nextShare(v view) (move, bool) {
	return v.shift().withVerdict(), v.in(api.ReleaseObserving) && !v.stage().everything()
}

func drainOldVersion(v view) (move, bool) {
	m := next(api.ReleaseDraining, "requests in flight to "+v.spec.From+" end")
	return m.withVerdict(), v.in(api.ReleaseObserving)
}
