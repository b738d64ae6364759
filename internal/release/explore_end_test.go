// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// end is what becomes of a status.
type end struct {
	phase api.ReleasePhase
	// held is what is waited for when it has not ended and never will by itself; empty when it runs in a circle.
	held string
	// user is true when it is held for the user, who knows.
	user bool
}

// regime is a world that stays as it is, and what has to become of every status in it.
type regime struct {
	name   string
	change func(*api.ReleaseSpec, *Seen)
	// silent is true when gates get no answer.
	silent bool
	check  func(spec api.ReleaseSpec, before api.ReleaseStatus, e end) bool
}

// ended is true for a release that is over, and for one that is held for the user and says so.
func (e end) ended() bool { return e.phase.Finished() || e.user }

// rests is true for a release that is over, or waits and says for what.
func (e end) rests() bool { return e.phase.Finished() || e.held != "" }

// stands is true for a release that moved forward and is kept from the last step, in words that begin so, or has gone back.
func (e end) stands(before api.ReleaseStatus, words string) bool {
	if !forward(before) {
		return e.ended()
	}
	return e.phase == api.ReleaseRolledBack || e.user || !e.phase.Finished() && strings.HasPrefix(e.held, words)
}

// forward is true while a release has not begun to take the old version away.
func forward(s api.ReleaseStatus) bool { return s.Phase == "" || view{status: s}.movesForward() }

// unproven is true when a step that is judged is still to come.
func unproven(spec api.ReleaseSpec, s api.ReleaseStatus) bool {
	return spec.Strategy.Analysis != nil && forward(s) && s.Phase != api.ReleaseObserving
}

var regimes = []regime{
	{
		name: "when all goes well", change: func(*api.ReleaseSpec, *Seen) {},
		check: func(_ api.ReleaseSpec, _ api.ReleaseStatus, e end) bool { return e.ended() },
	},
	{
		name: "when promoted", change: func(s *api.ReleaseSpec, _ *Seen) { s.Promote = true }, silent: true,
		check: func(_ api.ReleaseSpec, _ api.ReleaseStatus, e end) bool { return e.phase.Finished() },
	},
	{
		name: "when aborted in ruins", silent: true,
		change: func(s *api.ReleaseSpec, w *Seen) {
			s.Abort, s.Paused = true, true
			w.To.Ready, w.To.Available, w.To.Problem = 0, false, "crash loop"
			w.From.Ready, w.From.Available = 0, false
			w.Sample, w.SampleError = mesh.Sample{}, errors.New("connection refused")
		},
		check: func(_ api.ReleaseSpec, before api.ReleaseStatus, e end) bool { return e.phase == back(before) },
	},
	{
		name: "when v1 is wanted again", change: func(_ *api.ReleaseSpec, w *Seen) { w.Desired = "v1" },
		check: func(_ api.ReleaseSpec, before api.ReleaseStatus, e end) bool { return e.phase == back(before) },
	},
	{
		name: "when v3 is wanted", change: func(_ *api.ReleaseSpec, w *Seen) { w.Desired = "v3" },
		check: func(_ api.ReleaseSpec, before api.ReleaseStatus, e end) bool {
			return e.phase.Finished() && (!forward(before) || e.phase == api.ReleaseRolledBack)
		},
	},
	{
		name: "when its pods die",
		change: func(_ *api.ReleaseSpec, w *Seen) {
			w.To.Ready, w.To.Available, w.To.Problem = 0, false, "crash loop"
		},
		check: func(_ api.ReleaseSpec, before api.ReleaseStatus, e end) bool {
			to := wantedOf(before, "v2")
			if before.Phase == api.ReleasePreparing || forward(before) && (to.Weight > 0 || len(to.Match) > 0) {
				return e.phase == api.ReleaseRolledBack
			}
			return e.rests()
		},
	},
	{
		name: "when callers see failures", change: func(_ *api.ReleaseSpec, w *Seen) { w.Sample.Failed = 50 },
		check: func(spec api.ReleaseSpec, before api.ReleaseStatus, e end) bool {
			return e.ended() && (!unproven(spec, before) || e.phase != api.ReleasePromoted)
		},
	},
	{
		name: "when metrics tell nothing", change: func(_ *api.ReleaseSpec, w *Seen) { w.Sample = mesh.Sample{} },
		check: func(spec api.ReleaseSpec, before api.ReleaseStatus, e end) bool {
			if !unproven(spec, before) {
				return e.rests()
			}
			switch spec.Strategy.Analysis.OnNoData {
			case api.MissingPass:
				return e.ended()
			case api.MissingFail:
				return e.ended() && e.phase != api.ReleasePromoted
			default:
				return e.rests() && e.phase != api.ReleasePromoted
			}
		},
	},
	{
		name: "when paused for ever", change: func(s *api.ReleaseSpec, _ *Seen) { s.Paused = true },
		check: func(_ api.ReleaseSpec, before api.ReleaseStatus, e end) bool {
			return before.Phase == "" || e.stands(before, "paused"+also) // the first pods are made all the same
		},
	},
	{
		name: "when its strategy is refused", change: func(_ *api.ReleaseSpec, w *Seen) { w.Refused = "spec.strategy: nonsense" },
		check: func(_ api.ReleaseSpec, before api.ReleaseStatus, e end) bool { return e.stands(before, "held, since") },
	},
	{
		name: "when somebody else routes it", change: func(_ *api.ReleaseSpec, w *Seen) { w.Contested = "VirtualService team/x routes it, too" },
		check: func(_ api.ReleaseSpec, before api.ReleaseStatus, e end) bool { return e.stands(before, "held: ") },
	},
	{
		name: "when nobody does anything", silent: true,
		change: func(s *api.ReleaseSpec, w *Seen) {
			s.Approvals = nil
			w.Sample = mesh.Sample{}
		},
		check: func(_ api.ReleaseSpec, _ api.ReleaseStatus, e end) bool { return e.rests() },
	},
	{
		name: "when callers never follow",
		change: func(_ *api.ReleaseSpec, w *Seen) {
			w.Proof = mesh.Proof{Method: "test", Lagging: []string{"shop/page"}}
		},
		check: func(_ api.ReleaseSpec, _ api.ReleaseStatus, e end) bool { return e.rests() },
	},
}

// back is how a release ends that is called back: it came too late once the old version's pods are told to go.
func back(before api.ReleaseStatus) api.ReleasePhase {
	if before.Phase == api.ReleasePromoted || before.Phase == api.ReleaseRetiring && before.Reason == "" {
		return api.ReleasePromoted
	}
	return api.ReleaseRolledBack
}

func (e *exploration) checkEnds(n number) {
	for _, r := range regimes {
		if got := e.end(r, n); !r.check(e.spec, e.statuses[n], got) {
			e.t.Errorf("%s, %s comes to %+v", r.name, describe(e.statuses[n]), got)
		}
	}
}

// longest is more changes than any release makes.
const longest = 1000

// end follows the status until it ends, rests, or comes back to where it was.
func (e *exploration) end(r regime, n number) end {
	known := e.ends[r.name]
	if known == nil {
		known = map[number]end{}
		e.ends[r.name] = known
	}
	var path []number
	var out end
	for {
		was, done := known[n]
		if done {
			out = was
			break
		}
		known[n] = end{} // met again, it is a circle
		if path = append(path, n); len(path) > longest {
			break // so is what never comes back to where it was
		}
		next, said := e.follow(r, n)
		if next == n {
			if next = e.age(n); next == n {
				s := e.statuses[n]
				out = end{phase: s.Phase, held: said, user: heldForUser(s)}
				break
			}
		}
		n = next
	}
	for _, n := range path {
		known[n] = out
	}
	return out
}

// follow is what comes next in the regime, and what is said of it.
func (e *exploration) follow(r regime, n number) (number, string) {
	before, spec, seen := e.statuses[n], *e.spec.DeepCopy(), kindly(e.statuses[n])
	if before.Phase == api.ReleaseRetiring {
		seen.From, seen.To = told(before, "v1", seen.From), told(before, "v2", seen.To)
	}
	if !r.silent {
		seen.Gates = answers(spec, before, api.GateOpen)
	}
	approve(&spec)
	r.change(&spec, &seen)
	d := Decide(t0, spec, before, seen)
	return e.note(rebase(d.Status, t0)), d.Status.Message
}

// heldForUser is true when a proof or a gate has failed, and the strategy leaves it to the user what follows.
func heldForUser(s api.ReleaseStatus) bool {
	r := current(&s)
	if s.Phase == api.ReleaseObserving && r != nil && r.Verdict != nil && r.Verdict.Result != api.VerdictPass {
		return true
	}
	for _, g := range s.Gates {
		if g.State == api.GateFailed && !s.Phase.Finished() && s.Reason == "" {
			return true
		}
	}
	return false
}
