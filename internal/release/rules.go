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
	// ReasonLost is for pods that somebody took away; nothing was wrong with the version.
	ReasonLost = "Lost"
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
	{"with the unit", withUnit},                // What moves as one goes back as one.
	{"abort", abort},                           // Whoever aborts is obeyed, as long as the old pods are there.
	{"superseded", superseded},                 // A version that nobody asks for any more goes back.
	{"no pods left", noPodsLeft},               // Requests to a version without a ready pod fail: back at once.
	{"never ready", neverReady},                // Pods that do not become ready in time go; no caller ever saw them.
	{"failed", failed},                         // What failed goes back, or waits for the user when that is asked for.
	{"gate failed", gateFailed},                // A gate that has failed is no better, but a verdict comes first.
	{"callers return", callersReturn},          // On the way back, every caller serves the old version before the drain.
	{"drain", drain},                           // Requests in flight end before their pods do.
	{"retire", retire},                         // Pods end before their subset goes; with that the release has ended.
	{"observe", observe},                       // A weight is watched from when every caller serves it, not before.
	{"paused", paused},                         // A pause keeps the weights; what is seen still goes on record.
	{"refused", refused},                       // A strategy that was edited into nonsense takes no step; a promotion needs none.
	{"contested", contested},                   // Nothing moves while somebody else has a say: shares would not be what callers get.
	{"start", start},                           // The new version gets its pods when the gates before the start are open.
	{"wait for pods", waitForPods},             // No weight rises above what ready pods can carry.
	{"connect", connect},                       // Ready pods become reachable, without weight.
	{"wait for callers", waitForCallers},       // Nothing goes on before every caller's proxy has it.
	{"watch", watch},                           // A weight is watched for its time.
	{"wait for evidence", waitForEvidence},     // No evidence is no good evidence, unless the strategy says so.
	{"wait for the unit", waitForUnit},         // Releases of a unit take each step together, in their order.
	{"wait for the hours", waitForHours},       // No step is taken outside of the windows.
	{"wait for gates", waitForGates},           // What somebody has to agree with waits for it.
	{"next share", nextShare},                  // What every caller can reach gets its first share; what has passed, its next.
	{"wait for the word", waitForWord},         // A unit takes its old versions' place when all of it has passed.
	{"drain the old version", drainOldVersion}, // What serves everything, and has passed, takes the old one's place.
}

func ended(v view) (move, bool) {
	m := move{message: v.status.Message}
	if v.closed(v.status.Gates) != nil {
		m.wake = restPace
	}
	return m, v.status.Phase.Finished()
}

func begin(v view) (move, bool) {
	if len(v.gatesAt(api.GateBeforeStart, 0)) > 0 {
		return next(api.ReleaseWaiting, "the gates before the start are asked"), v.status.Phase == ""
	}
	return next(api.ReleasePreparing, v.podWords()), v.status.Phase == ""
}

func observe(v view) (move, bool) {
	return next(api.ReleaseObserving, v.watchWords()), v.in(api.ReleaseShifting) && v.served
}

func paused(v view) (move, bool) {
	return v.stay("paused" + also + v.waitWords()), v.spec.Paused && v.movesForward()
}

func refused(v view) (move, bool) {
	words := "held, since its strategy cannot be carried out" + also + oneLine(v.seen.Refused)
	return v.stay(words), v.seen.Refused != "" && v.movesForward() && !promoting(v.spec)
}

func contested(v view) (move, bool) {
	return v.stay("held: " + oneLine(v.seen.Contested)), v.seen.Contested != "" && v.movesForward()
}

func start(v view) (move, bool) {
	if !v.in(api.ReleaseWaiting) {
		return move{}, false
	}
	if m, waits := waitForGates(v); waits {
		return m, true
	}
	m := next(api.ReleasePreparing, v.podWords())
	m.gates = v.asked()
	return m, true
}

func waitForPods(v view) (move, bool) {
	waits := v.in(api.ReleasePreparing, api.ReleaseConnecting, api.ReleaseObserving) || v.steps()
	return v.stay(v.podWords()), waits && !v.podsReady()
}

func connect(v view) (move, bool) {
	return next(api.ReleaseConnecting, "callers are told how to reach "+v.spec.To), v.in(api.ReleasePreparing)
}

func waitForCallers(v view) (move, bool) {
	skips := v.in(api.ReleaseShifting) && v.steps()
	return v.wait(v.proofWords()), v.in(api.ReleaseConnecting, api.ReleaseShifting) && !v.served && !skips
}

func watch(v view) (move, bool) {
	return v.stay(v.watchWords()), v.in(api.ReleaseObserving) && !v.gaveWord() && v.watched() < v.watchTime()
}

func waitForEvidence(v view) (move, bool) {
	waits := judges(v.spec, v.status) && !v.gaveWord() && !v.proven()
	return v.stay(v.watchWords()), waits
}

func waitForUnit(v view) (move, bool) {
	if v.spec.Unit == nil || !v.steps() {
		return move{}, false
	}
	words := v.unitWords()
	return v.stay(words).passing(), words != ""
}

func waitForHours(v view) (move, bool) {
	open, next := hours(v.spec.Strategy.Windows, v.now)
	if open || !v.steps() {
		return move{}, false
	}
	m := v.stay(hoursWords(v.spec.Strategy.Windows, next)).passing()
	if !next.IsZero() {
		m.wake = min(m.wake, next.Sub(v.now))
	}
	return m, true
}

func waitForGates(v view) (move, bool) {
	all := v.asked()
	r := v.closed(all)
	if r == nil {
		return move{}, false
	}
	m := v.stay("gate " + r.Name + ": " + r.Message).passing()
	m.gates = all
	if d := GateDeadline(*gateOf(v.spec, r.Name)); d > 0 {
		m.wake = min(m.wake, max(r.AskedAt.Add(d).Sub(v.now), atOnce))
	}
	return m, true
}

func nextShare(v view) (move, bool) {
	if !v.steps() {
		return move{}, false
	}
	return v.shift().passing().withVerdict(), true
}

func waitForWord(v view) (move, bool) {
	if v.spec.Unit == nil || !v.in(api.ReleaseObserving) {
		return move{}, false
	}
	words := v.decisionWords()
	return v.stay(words).passing(), words != ""
}

func drainOldVersion(v view) (move, bool) {
	m := next(api.ReleaseDraining, "requests in flight to "+v.spec.From+" end")
	return m.passing().withVerdict(), v.in(api.ReleaseObserving)
}
