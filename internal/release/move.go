// SPDX-License-Identifier: Apache-2.0

package release

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// How soon to look again when nothing happens.
const (
	// atOnce follows a change of phase: there may be nothing to wait for.
	atOnce = time.Millisecond
	// proofPace is how often callers are asked at first, midProofPace after proofHaste, slowProofPace after proofPatience.
	// istiod tells proxies of a change 100 ms after it at the earliest (its PILOT_DEBOUNCE_AFTER).
	proofPace, midProofPace, slowProofPace = 50 * time.Millisecond, 200 * time.Millisecond, time.Second
	proofHaste, proofPatience              = time.Second, 10 * time.Second
	// lookPace is how often a weight is judged.
	lookPace = time.Second
	// restPace is for when an event is expected, should it get lost.
	restPace = time.Minute
)

// move is what a rule answers: the next phase, or none to stay, and what to say.
type move struct {
	phase   api.ReleasePhase
	message string
	wake    time.Duration
	// stage that is entered and its number, when the move is a shift.
	stage  Stage
	number int32
	// reason turns the release back; why words it.
	reason, why string
	// ended puts the verdict at hand on the step's record: the step has its result.
	ended bool
	// passed puts on record that the step needs no more time and proof.
	passed bool
	// gates are the records of those asked so far; nil when none is asked.
	gates []api.GateRecord
	// withdraws is why the release, which gave its word, asks its unit to go back.
	withdraws string
}

// stay leaves the release in its phase.
func (v view) stay(message string) move { return move{message: message, wake: v.pace()} }

// withVerdict gives the step its result.
func (m move) withVerdict() move {
	m.ended = true
	return m
}

// passing puts on record that the step needs no more time and proof.
func (m move) passing() move {
	m.passed = true
	return m
}

// next goes on to another phase.
func next(phase api.ReleasePhase, message string) move {
	return move{phase: phase, message: message, wake: atOnce}
}

// shift gives the new version its next share.
func (v view) shift() move {
	stage, number := v.nextStage()
	return move{
		phase: api.ReleaseShifting, stage: stage, number: number, wake: atOnce, gates: v.asked(),
		message: "callers are told to serve " + share(v.spec, stage),
	}
}

// back turns the release back. A version that never got requests needs no verification and no drain. A release that gave
// its unit its word asks instead, unless the first release, which would answer, is not there or has answered.
func (v view) back(reason, why string) move {
	if lead, known := v.gaveWordTo(); known && reason != ReasonUnit && !lead.hasDecided() {
		m := v.stay("asks its unit to go back: " + oneLine(why))
		m.withdraws = reason
		return m
	}
	m := move{phase: api.ReleaseReturning, reason: reason, why: oneLine(why), wake: atOnce}
	m.message = "back to " + v.spec.From + ": " + m.why
	if len(v.status.Steps) == 0 {
		m.phase = api.ReleaseRetiring
	}
	return m
}

// enter is the status after the move.
func (v view) enter(m move) api.ReleaseStatus {
	if v.status.Phase.Finished() {
		return v.status
	}
	stage := v.stage()
	if m.ended {
		v.endStep()
	}
	if m.passed {
		v.passStep()
	}
	if m.gates != nil {
		v.status.Gates = m.gates
	}
	v.status.Withdraws = m.withdraws
	if m.reason != "" {
		v.turn(m)
	}
	if m.phase == api.ReleaseShifting {
		stage = m.stage
		v.beginStep(stage, m.number)
	}
	if m.phase != "" {
		v.status.Phase, v.status.Since = m.phase, micro(v.now)
		v.stamp()
	}
	v.status.Message = m.message
	v.status.Wanted = v.wanted(stage)
	return v.status
}

// turn begins the way back.
func (v *view) turn(m move) {
	v.status.Reason = m.reason
	if m.reason == ReasonUnhealthy || m.reason == ReasonNotReady {
		v.condition(api.ConditionHealthy, metav1.ConditionFalse, m.reason, m.why)
	}
}

func (v *view) endStep() {
	if r := current(&v.status); r != nil && r.Verdict == nil && v.status.Verdict != nil {
		r.Verdict = v.status.Verdict.DeepCopy()
	}
}

func (v *view) passStep() {
	if r := current(&v.status); r != nil && r.PassedAt == nil && v.in(api.ReleaseObserving) {
		r.PassedAt = micro(v.now)
	}
}

// beginStep clears the verdict: evidence from before the weight was served does not count.
func (v *view) beginStep(s Stage, number int32) {
	v.status.Verdict = nil
	v.status.Step = number
	v.status.Steps = append(v.status.Steps, api.StepRecord{Weight: s.Weight, Match: s.Match, Mirror: s.Mirror, WantedAt: *micro(v.now)})
	v.condition(api.ConditionVerified, metav1.ConditionFalse, "Wanted", "callers do not serve "+share(v.spec, s)+" yet")
}

// stamp sets what belongs to the phase that was just entered.
func (v *view) stamp() {
	switch v.status.Phase {
	case api.ReleaseWaiting, api.ReleasePreparing:
		if v.status.StartedAt == nil {
			v.status.StartedAt = micro(v.now)
		}
		v.condition(api.ConditionVerified, metav1.ConditionUnknown, "NotAsked", "nothing was asked of callers yet")
		v.condition(api.ConditionHealthy, metav1.ConditionUnknown, "NotJudged", "nothing was judged yet")
	case api.ReleaseReturning:
		v.status.DrainUntil = nil
		v.condition(api.ConditionVerified, metav1.ConditionFalse, "Wanted", "callers do not serve "+share(v.spec, Stage{})+" yet")
	case api.ReleaseDraining:
		v.status.DrainUntil = micro(v.now.Add(drainTime(v.spec)))
	case api.ReleasePromoted, api.ReleaseRolledBack:
		v.status.FinishedAt = micro(v.now)
		v.status.Gates = v.asked()
	default: // nothing belongs to it
	}
}
