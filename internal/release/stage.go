// SPDX-License-Identifier: Apache-2.0

package release

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/analysis"
)

// Defaults of a strategy; the API server fills in the same where it can.
const (
	defaultDrain         = 10 * time.Second
	defaultReadyDeadline = 5 * time.Minute
	// defaultWarm is for blue-green, whose way back is to be instant.
	defaultWarm   = 5 * time.Minute
	defaultMaxAge = 24 * time.Hour
)

// whole is all requests, in percent.
const whole int32 = 100

// Stage is a step as it is carried out.
type Stage struct {
	// Weight is the new version's share, in percent, of the requests that match nothing.
	Weight int32
	Match  []api.Match
	Mirror *api.Mirror
	// Hold is how long it lasts at least, from when every caller serves it.
	Hold time.Duration
	// Warm is how much of Hold, at its end, only keeps the old version ready to take everything back.
	Warm time.Duration
}

// everything is true for the stage at which the new version has taken the old one's place.
func (s Stage) everything() bool { return s.Weight == whole && len(s.Match) == 0 && s.Mirror == nil }

// exposed is true when requests depend on the new version's answers.
func (s Stage) exposed() bool { return s.Weight > 0 || len(s.Match) > 0 }

// receives is true when the new version gets requests, or copies of them. A preview gets none, and cannot be judged.
func (s Stage) receives() bool { return s.exposed() || s.Mirror != nil }

// Stages are the steps of a strategy, those that follow by themselves included. The last gives the new version everything.
func Stages(s api.StrategySpec) []Stage {
	out := make([]Stage, 0, len(s.Steps)+2)
	for _, step := range given(s) {
		out = append(out, Stage{Weight: step.Weight, Match: step.Match, Mirror: mirror(step.Mirror), Hold: orElse(step.Hold, 0)})
	}
	out = append(out, ramp(s.Ramp)...)
	if n := len(out); n == 0 || !out[n-1].everything() {
		out = append(out, Stage{Weight: whole})
	}
	least := time.Duration(0)
	if s.Analysis != nil {
		least = analysis.Interval(*s.Analysis)
	}
	for i := range out {
		out[i].Hold = max(out[i].Hold, least)
	}
	last := &out[len(out)-1]
	last.Warm = Warm(s)
	last.Hold += last.Warm
	return out
}

// mirror has its defaults: every request that changes nothing.
func mirror(m *api.Mirror) *api.Mirror {
	if m == nil {
		return nil
	}
	out := *m
	if out.Percent <= 0 {
		out.Percent = whole
	}
	if out.Methods == "" {
		out.Methods = api.MirrorSafe
	}
	return &out
}

// given are the steps of the strategy, or those that its type brings when there are none.
func given(s api.StrategySpec) []api.Step {
	switch {
	case len(s.Steps) > 0:
		return s.Steps
	case s.Type == api.StrategyMirror:
		return []api.Step{{Mirror: &api.Mirror{Percent: whole, Methods: api.MirrorSafe}}}
	case s.Type == api.StrategyBlueGreen:
		return []api.Step{{}}
	default:
		return nil
	}
}

func ramp(r *api.Ramp) []Stage {
	if r == nil {
		return nil
	}
	first, last := r.Start, r.Max
	if first <= 0 {
		first = r.Step
	}
	if last <= 0 || last > whole {
		last = whole
	}
	var out []Stage
	for w := first; w < last && r.Step > 0; w += r.Step {
		out = append(out, Stage{Weight: w, Hold: r.Interval.Duration})
	}
	return append(out, Stage{Weight: last, Hold: r.Interval.Duration})
}

// Warm is how long the old version stays ready to take everything back.
func Warm(s api.StrategySpec) time.Duration {
	if s.Type == api.StrategyBlueGreen {
		return orElse(s.Warm, defaultWarm)
	}
	return orElse(s.Warm, 0)
}

// stage is the one the release is in, as it was when it was entered; the hold is the plan's.
func (v view) stage() Stage {
	w := wantedOf(v.status, v.spec.To)
	s := Stage{Weight: w.Weight, Match: w.Match, Mirror: w.Mirror}
	all := Stages(v.spec.Strategy)
	if n := int(v.status.Step); n > 0 {
		plan := all[min(n, len(all))-1]
		s.Hold, s.Warm = plan.Hold, plan.Warm
	}
	return s
}

// nextStage is the one that follows, and its number. When steps are skipped it is the last, unless others of the unit have to
// be there first; when the steps to come were edited, those below the present weight are left out.
func (v view) nextStage() (Stage, int32) {
	all := Stages(v.spec.Strategy)
	n := len(all)
	if promoting(v.spec) && v.mayTake(int32(n)) {
		return all[n-1], max(int32(n), v.status.Step+1)
	}
	for i := int(v.status.Step); i < n; i++ {
		if all[i].Weight >= v.weight() {
			return all[i], int32(i + 1)
		}
	}
	return all[n-1], max(int32(n), v.status.Step+1)
}

// promoting is true when the remaining steps and proofs are skipped. A pause comes first: nothing moves while it lasts.
func promoting(spec api.ReleaseSpec) bool { return spec.Promote && !spec.Paused }

// waived is true when the step the release is in needs no proof.
func waived(spec api.ReleaseSpec, status api.ReleaseStatus) bool {
	return promoting(spec) || skipping(spec, status)
}

// skipping is true when the user waives the time and the proof of this very step.
func skipping(spec api.ReleaseSpec, status api.ReleaseStatus) bool {
	return spec.Skip > 0 && spec.Skip == status.Step && !spec.Paused
}

// watchTime is how long the step has to be watched. A promotion waives it, but not the time that the old version is kept ready.
func (v view) watchTime() time.Duration {
	switch {
	case skipping(v.spec, v.status):
		return 0
	case promoting(v.spec):
		return v.stage().Warm
	default:
		return v.stage().Hold
	}
}

// receiver is how many pods the new version should have: for the share it has and, a step ahead, for the one it gets next.
func (v view) receiver(stage Stage) int32 {
	n := v.seen.Replicas
	if v.spec.Strategy.Capacity != api.CapacityFollow || !v.movesForward() {
		return n
	}
	next, _ := v.nextStage()
	return max(carriers(stage, n), carriers(next, n))
}

// carriers are the pods that carry the stage's share of what n pods carry, one at least. How many requests match is not
// known before, so a stage that matches has them all; one that mirrors has enough for the copies.
func carriers(s Stage, n int32) int32 {
	part := s.Weight
	if s.Mirror != nil {
		part = max(part, s.Mirror.Percent)
	}
	if len(s.Match) > 0 {
		part = whole
	}
	return max(1, int32((int64(n)*int64(part)+99)/100))
}

func drainTime(spec api.ReleaseSpec) time.Duration {
	return orElse(spec.Strategy.Drain, defaultDrain)
}

func readyDeadline(spec api.ReleaseSpec) time.Duration {
	return orElse(spec.Strategy.ReadyDeadline, defaultReadyDeadline)
}

func orElse(d *metav1.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.Duration
}
