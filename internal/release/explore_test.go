// SPDX-License-Identifier: Apache-2.0

package release

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// An exploration visits every status that a release can get into, whatever is seen and commanded in whatever order.
// Times are coarse and short: ages beyond longAgo make no difference to any rule, so the statuses are finite.
const longAgo = 3 * time.Second

// number stands for a status.
type number int

// exploration of one release. What is decided in a status depends on nothing else that could change between two visits, so
// that each is done once.
type exploration struct {
	t    testing.TB
	spec api.ReleaseSpec
	// odds is how many things may be out of the ordinary at a time.
	odds        int
	seed        maphash.Seed
	statuses    []api.ReleaseStatus
	numbers     map[uint64]number
	aged        map[number]number
	transitions int
	// ends are what becomes of a status when the world stays as it is.
	ends map[string]map[number]end
}

func explore(t testing.TB, spec api.ReleaseSpec, odds int) *exploration {
	spec.From, spec.To = "v1", "v2"
	return &exploration{
		t: t, spec: spec, odds: odds, seed: maphash.MakeSeed(), numbers: map[uint64]number{}, aged: map[number]number{},
		ends: map[string]map[number]end{},
	}
}

// run visits everything, and holds each status to its ends.
func (e *exploration) run() {
	e.note(api.ReleaseStatus{})
	for n := number(0); int(n) < len(e.statuses) && !e.t.Failed(); n++ {
		e.age(n)
		for _, w := range worlds(e.spec, e.statuses[n], e.odds) {
			e.decide(n, w)
		}
		e.checkEnds(n)
	}
}

// note gives the status its number.
func (e *exploration) note(s api.ReleaseStatus) number {
	text, err := json.Marshal(s)
	if err != nil {
		e.t.Fatal(err)
	}
	key := maphash.Bytes(e.seed, text)
	n, known := e.numbers[key]
	if !known {
		n = number(len(e.statuses))
		e.numbers[key] = n
		e.statuses = append(e.statuses, s)
	}
	return n
}

// age is the status a second later.
func (e *exploration) age(n number) number {
	older, known := e.aged[n]
	if !known {
		older = e.note(rebase(e.statuses[n], t0.Add(time.Second)))
		e.aged[n] = older
	}
	return older
}

// decide is what comes next in the world. It is held to everything that has to be true of one decision.
func (e *exploration) decide(n number, w world) number {
	e.transitions++
	before, spec, seen := e.statuses[n], *e.spec.DeepCopy(), kindly(e.statuses[n])
	seen.Gates = answers(spec, before, api.GateOpen)
	approve(&spec)
	w.change(&spec, &seen)
	d := Decide(t0, spec, before, seen)
	fail := func(format string, args ...any) {
		e.t.Errorf("%s in %s: rule %q: %s", w.name, describe(before), d.Rule, fmt.Sprintf(format, args...))
	}
	if err := Check(t0, spec, before, d.Status); err != nil {
		fail("%v", err)
	}
	if was, is := wantedOf(before, "v2").Weight, wantedOf(d.Status, "v2").Weight; is > was && seen.To.Ready*whole < is*seen.Replicas {
		fail("gets %d %% with %d of %d pods ready", is, seen.To.Ready, seen.Replicas)
	}
	if spec.Paused && d.Status.Step > before.Step {
		fail("gains while it is paused")
	}
	if d.Status.Message == "" {
		fail("%s says nothing", describe(d.Status))
	}
	if d.Wake == 0 && !d.Status.Phase.Finished() {
		fail("%s is never looked at again", describe(d.Status))
	}
	if d.Wake > 0 && before.Phase.Finished() && len(spec.Strategy.Gates) == 0 {
		fail("%s is looked at again", describe(d.Status))
	}
	if err := checkLeft(spec, before, d.Status); err != nil {
		fail("%v", err)
	}
	if d.Status.Phase == before.Phase && d.Status.Step == before.Step {
		if e.odds > 1 {
			return e.note(rebase(d.Status, t0)) // that the second answer is the same is seen with each thing alone
		}
		if again := Decide(t0, spec, d.Status, seen); !reflect.DeepEqual(d.Status, again.Status) {
			fail("the second answer differs: %s", cmp.Diff(d.Status, again.Status))
		}
	} else if rank(d.Status) <= rank(before) {
		fail("goes from %s to %s, which does not come after it", describe(before), describe(d.Status))
	}
	return e.note(rebase(d.Status, t0))
}

// checkLeft: a step that is left for the next, or for the end, has lasted its time, and was proven where proof is asked for.
func checkLeft(spec api.ReleaseSpec, before, after api.ReleaseStatus) error {
	ends := after.Phase == api.ReleaseDraining && before.Phase == api.ReleaseObserving && after.Reason == ""
	was := current(&before)
	if was == nil || was.PassedAt != nil || !ends && after.Step == before.Step {
		return nil
	}
	v := view{now: t0, spec: spec, status: before}
	if lasts := min(v.watchTime(), longAgo); v.in(api.ReleaseObserving) && v.watched() < lasts {
		return fmt.Errorf("step %d is left after %s, and lasts %s", before.Step, v.watched(), lasts)
	}
	is := after.Steps[len(before.Steps)-1].Verdict
	if judges(spec, before) && (is == nil || is.Result != api.VerdictPass && v.missing(*is) != api.MissingPass) {
		return fmt.Errorf("step %d is left without proof", before.Step)
	}
	return nil
}

// phases that were visited.
func (e *exploration) phases() map[api.ReleasePhase]bool {
	phases := map[api.ReleasePhase]bool{}
	for _, s := range e.statuses {
		phases[s.Phase] = true
	}
	return phases
}

// rebase moves the status in time so that now becomes t0, and forgets what makes no difference to what comes: how long
// ago things were beyond longAgo, and what is only there to be read.
func rebase(s api.ReleaseStatus, now time.Time) api.ReleaseStatus {
	s = *s.DeepCopy()
	move := func(m *metav1.MicroTime) {
		if m == nil {
			return
		}
		m.Time = m.Add(t0.Sub(now))
		if oldest := t0.Add(-longAgo); m.Time.Before(oldest) {
			m.Time = oldest
		}
	}
	if s.Phase == api.ReleasePreparing || s.Phase == api.ReleaseConnecting {
		move(s.Since)
	} else if s.Since != nil {
		s.Since = micro(t0)
	}
	move(s.DrainUntil)
	if s.Verdict != nil {
		move(&s.Verdict.At)
	}
	if s.Verified != nil {
		s.Verified.At = metav1.MicroTime{Time: t0}
	}
	for i := range s.Gates {
		g := &s.Gates[i]
		if move(&g.AskedAt); g.State != api.GateWaiting {
			g.AskedAt, g.DecidedAt = metav1.MicroTime{Time: t0}, micro(t0)
		}
		g.Message, g.By = "", ""
	}
	rebaseSteps(&s, move)
	s.StartedAt, s.FinishedAt, s.Conditions = nil, nil, nil
	s.Message = "whatever was said before"
	return s
}

func rebaseSteps(s *api.ReleaseStatus, move func(*metav1.MicroTime)) {
	for i := range s.Steps {
		r := &s.Steps[i]
		r.WantedAt = metav1.MicroTime{Time: t0}
		if r.PassedAt != nil {
			r.PassedAt = micro(t0)
		}
		if v := r.Verdict; v != nil {
			r.Verdict = &api.Verdict{Result: v.Result}
		}
		if i+1 < len(s.Steps) {
			*r = api.StepRecord{Weight: r.Weight}
		}
	}
	if r := current(s); r != nil {
		move(r.VerifiedAt)
		if s.Phase != api.ReleaseShifting && s.Phase != api.ReleaseObserving {
			s.Verdict, r.VerifiedAt, r.Verdict = nil, nil, nil
		}
	}
}

// rank grows with each change of phase, so a release never runs in circles.
func rank(s api.ReleaseStatus) int {
	order := map[api.ReleasePhase]int{
		"": 0, api.ReleaseWaiting: 1, api.ReleasePreparing: 2, api.ReleaseConnecting: 3, api.ReleaseShifting: 4, api.ReleaseObserving: 5,
		api.ReleaseReturning: 6, api.ReleaseDraining: 7, api.ReleaseRetiring: 8, api.ReleasePromoted: 9, api.ReleaseRolledBack: 9,
	}
	back := 0
	if s.Reason != "" {
		back = 1
	}
	return back*10000 + int(s.Step)*10 + order[s.Phase]
}

func describe(s api.ReleaseStatus) string {
	return fmt.Sprintf("%s(step %d, %s) %q", s.Phase, s.Step, s.Reason, s.Message)
}
