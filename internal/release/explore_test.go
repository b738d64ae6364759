// SPDX-License-Identifier: Apache-2.0

package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// The exploration visits every status that a release can get into, whatever is seen and commanded in whatever order.
// Times are coarse and short: ages beyond longAgo make no difference to any rule, so the statuses are finite.
const longAgo = 3 * time.Second

// world is one thing that may be seen, with the commands given.
type world struct {
	name string
	seen Seen
	give func(*api.ReleaseSpec)
}

func TestEveryReachableStatus(t *testing.T) {
	for name, strategy := range strategies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := exploration{t: t, spec: api.ReleaseSpec{From: "v1", To: "v2", Strategy: strategy}, known: map[string]bool{}}
			e.explore()
			t.Logf("%d statuses, %d transitions", len(e.known), e.transitions)
			if len(e.phases()) != 10 {
				t.Errorf("want every phase and the empty one visited, got %v", e.phases())
			}
		})
	}
}

func strategies() map[string]api.StrategySpec {
	plain := api.StrategySpec{
		Steps: []api.Step{{Weight: 10, Hold: dur(time.Second)}, {Weight: 50}},
		Drain: dur(2 * time.Second), ReadyDeadline: dur(2 * time.Second),
	}
	all := map[string]api.StrategySpec{"without analysis": plain, "at once": {Drain: dur(time.Second), ReadyDeadline: dur(time.Second)}}
	short := func(t api.StrategyType, steps ...api.Step) api.StrategySpec {
		return api.StrategySpec{Type: t, Steps: steps, Warm: dur(time.Second), Drain: dur(time.Second), ReadyDeadline: dur(time.Second)}
	}
	match := api.Step{Match: []api.Match{{Method: "GET"}}}
	all["blue-green"] = short(api.StrategyBlueGreen)
	all["mirror"] = short(api.StrategyMirror)
	all["A/B"] = short(api.StrategyABTest, match)
	all["mirror, A/B, weights"] = short(api.StrategyCanary, api.Step{Mirror: &api.Mirror{}}, match, api.Step{Weight: 50})
	follow := short(api.StrategyCanary, api.Step{Weight: 10}, api.Step{Weight: 50})
	follow.Capacity = api.CapacityFollow
	all["capacity follows"] = follow
	for m, f := range map[api.MissingAction]api.FailureAction{
		api.MissingHold: api.FailurePause, api.MissingPass: api.FailureRollback, api.MissingFail: api.FailureRollback,
	} {
		s := *plain.DeepCopy()
		s.Steps = s.Steps[:1]
		s.OnFailure = f
		s.Analysis = &api.Analysis{
			Interval: dur(2 * time.Second), Deadline: dur(3 * time.Second), MinRequests: 10,
			SuccessRate: &api.SuccessRate{MinPercent: 99}, OnNoData: m, OnMetricsError: m,
		}
		all[fmt.Sprintf("failure %s, missing %s", f, m)] = s
	}
	return all
}

type exploration struct {
	t           *testing.T
	spec        api.ReleaseSpec
	known       map[string]bool
	todo        []api.ReleaseStatus
	transitions int
}

func (e *exploration) explore() {
	e.add(api.ReleaseStatus{})
	for len(e.todo) > 0 && !e.t.Failed() {
		s := e.todo[0]
		e.todo = e.todo[1:]
		e.checkEnds(s)
		for _, w := range worlds(e.spec, s) {
			for _, later := range []time.Duration{0, time.Second} {
				e.try(s, w, t0.Add(later))
			}
		}
	}
}

func (e *exploration) try(before api.ReleaseStatus, w world, now time.Time) {
	e.transitions++
	spec := *e.spec.DeepCopy()
	w.give(&spec)
	d := Decide(now, spec, before, w.seen)
	fail := func(format string, args ...any) {
		e.t.Errorf("%s in %s: rule %q: %s", w.name, describe(before), d.Rule, fmt.Sprintf(format, args...))
	}
	if err := Check(now, spec, before, d.Status); err != nil {
		fail("%v", err)
	}
	if was, is := wantedOf(before, "v2").Weight, wantedOf(d.Status, "v2").Weight; is > was && w.seen.To.Ready*whole < is*w.seen.Replicas {
		fail("gets %d %% with %d of %d pods ready", is, w.seen.To.Ready, w.seen.Replicas)
	}
	if d.Status.Message == "" {
		fail("%s says nothing", describe(d.Status))
	}
	if d.Wake == 0 && !d.Status.Phase.Finished() {
		fail("%s is never looked at again", describe(d.Status))
	}
	if d.Status.Phase == before.Phase && d.Status.Step == before.Step {
		if again := Decide(now, spec, d.Status, w.seen); !reflect.DeepEqual(d.Status, again.Status) {
			fail("the second answer differs: %s", cmp.Diff(d.Status, again.Status))
		}
	} else if rank(d.Status) <= rank(before) {
		fail("goes from %s to %s, which does not come after it", describe(before), describe(d.Status))
	}
	e.add(rebase(d.Status, now))
}

func (e *exploration) add(s api.ReleaseStatus) {
	key, err := json.Marshal(s)
	if err != nil {
		e.t.Fatal(err)
	}
	if !e.known[string(key)] {
		e.known[string(key)] = true
		e.todo = append(e.todo, s)
	}
}

func (e *exploration) phases() map[api.ReleasePhase]bool {
	phases := map[api.ReleasePhase]bool{}
	for key := range e.known {
		var s api.ReleaseStatus
		if err := json.Unmarshal([]byte(key), &s); err != nil {
			e.t.Fatal(err)
		}
		phases[s.Phase] = true
	}
	return phases
}

// rank grows with each change of phase, so a release never runs in circles.
func rank(s api.ReleaseStatus) int {
	order := map[api.ReleasePhase]int{
		"": 0, api.ReleasePreparing: 1, api.ReleaseConnecting: 2, api.ReleaseShifting: 3, api.ReleaseObserving: 4,
		api.ReleaseReturning: 5, api.ReleaseDraining: 6, api.ReleaseRetiring: 7, api.ReleasePromoted: 8, api.ReleaseRolledBack: 8,
	}
	back := 0
	if s.Reason != "" {
		back = 1
	}
	return back*10000 + int(s.Step)*10 + order[s.Phase]
}

// checkEnds: in a kind world each status ends or is held for the user; with an abort it ends whatever else is broken.
func (e *exploration) checkEnds(s api.ReleaseStatus) {
	kind := world{seen: kindly(s)}
	if end := e.play(s, e.spec, kind.seen); !end.Phase.Finished() && !heldForUser(end) {
		e.t.Errorf("%s does not end in a kind world but stays in %s", describe(s), describe(end))
	}
	promoted := e.spec
	promoted.Promote = true
	if end := e.play(s, promoted, kind.seen); !end.Phase.Finished() {
		e.t.Errorf("%s does not end when promoted but stays in %s", describe(s), describe(end))
	}
	broken := kind.seen
	broken.To.Ready, broken.To.Available, broken.To.Problem = 0, false, "crash loop"
	broken.From.Ready, broken.From.Available = 0, false
	broken.Sample, broken.SampleError = mesh.Sample{}, errors.New("connection refused")
	aborted := e.spec
	aborted.Abort, aborted.Paused = true, true
	end := e.play(s, aborted, broken)
	tooLate := s.Phase == api.ReleasePromoted || s.Phase == api.ReleaseRetiring && s.Reason == ""
	if want := map[bool]api.ReleasePhase{true: api.ReleasePromoted, false: api.ReleaseRolledBack}[tooLate]; end.Phase != want {
		e.t.Errorf("%s ends in %s when aborted, want %s", describe(s), describe(end), want)
	}
}

func heldForUser(s api.ReleaseStatus) bool {
	r := current(&s)
	return s.Phase == api.ReleaseObserving && r != nil && r.Verdict != nil && r.Verdict.Result != api.VerdictPass
}

// play lets the time pass until the end; pods of a retired version go at once.
func (e *exploration) play(s api.ReleaseStatus, spec api.ReleaseSpec, seen Seen) api.ReleaseStatus {
	now := t0
	for i := 0; i < 200 && !s.Phase.Finished(); i++ {
		s2 := seen
		if s.Phase == api.ReleaseRetiring {
			s2.From, s2.To = told(s, spec.From, seen.From), told(s, spec.To, seen.To)
		}
		d := Decide(now, spec, s, s2)
		s, now = d.Status, now.Add(d.Wake)
	}
	return s
}

func told(s api.ReleaseStatus, version string, p Pods) Pods {
	if wantedOf(s, version).Replicas == 0 {
		return Pods{}
	}
	return p
}

func kindly(api.ReleaseStatus) Seen {
	return Seen{
		Replicas: 2, Desired: "v2",
		From:   Pods{Replicas: 2, Ready: 2, Available: true, Present: 2},
		To:     Pods{Replicas: 2, Ready: 2, Available: true, Present: 2},
		Proof:  mesh.Proof{Served: true, Method: "test", Proxies: 2},
		Sample: mesh.Sample{Requests: 100, Latency: -1},
	}
}

// worlds are all that can be seen in a status, as far as it can make a difference.
func worlds(spec api.ReleaseSpec, s api.ReleaseStatus) []world {
	wrong := world{name: "strategy refused", seen: kindly(s)}
	wrong.seen.Refused = "spec.strategy.windows[0].zone: there is no such time zone"
	all := []world{{name: "kind", seen: kindly(s)}, wrong}
	all = vary(all, map[string]func(*Seen){
		"1 pod":   func(w *Seen) { w.To.Ready, w.To.Available = 1, false },
		"no pods": func(w *Seen) { w.To.Ready, w.To.Available, w.To.Problem = 0, false, "crash loop" },
	})
	if NeedsProof(s) {
		all = vary(all, map[string]func(*Seen){
			"lag":      func(w *Seen) { w.Proof.Served, w.Proof.Lagging = false, []string{"shop/page"} },
			"no proof": func(w *Seen) { w.Proof, w.ProofError = mesh.Proof{}, errors.New("istiod does not answer") },
		})
	}
	if NeedsSample(spec, s, t0.Add(time.Second)) {
		all = vary(all, map[string]func(*Seen){
			"bad":       func(w *Seen) { w.Sample.Failed = 50 },
			"few":       func(w *Seen) { w.Sample.Requests = 3 },
			"no sample": func(w *Seen) { w.Sample, w.SampleError = mesh.Sample{}, errors.New("connection refused") },
		})
	}
	if s.Phase == api.ReleaseRetiring {
		all = vary(all, map[string]func(*Seen){"gone": func(w *Seen) { w.From, w.To = Pods{}, Pods{} }})
	}
	return withCommands(all)
}

func vary(all []world, how map[string]func(*Seen)) []world {
	for _, w := range all {
		for name, change := range how {
			other := world{name: w.name + ", " + name, seen: w.seen}
			change(&other.seen)
			all = append(all, other)
		}
	}
	return all
}

func withCommands(worlds []world) []world {
	var all []world
	for _, w := range worlds {
		for name, give := range map[string]func(*api.ReleaseSpec){
			"":                  func(*api.ReleaseSpec) {},
			", paused":          func(s *api.ReleaseSpec) { s.Paused = true },
			", promote":         func(s *api.ReleaseSpec) { s.Promote = true },
			", abort":           func(s *api.ReleaseSpec) { s.Abort = true },
			", promote, paused": func(s *api.ReleaseSpec) { s.Paused, s.Promote = true, true },
		} {
			all = append(all, world{name: w.name + name, seen: w.seen, give: give})
		}
		for _, desired := range []string{"v1", "v3"} {
			other := world{name: w.name + ", " + desired + " wanted", seen: w.seen, give: func(*api.ReleaseSpec) {}}
			other.seen.Desired = desired
			all = append(all, other)
		}
	}
	return all
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
	for i := range s.Steps {
		s.Steps[i].WantedAt = metav1.MicroTime{Time: t0}
		if s.Steps[i].PassedAt != nil {
			s.Steps[i].PassedAt = micro(t0)
		}
		if v := s.Steps[i].Verdict; v != nil {
			s.Steps[i].Verdict = &api.Verdict{Result: v.Result}
		}
		if i+1 < len(s.Steps) {
			s.Steps[i] = api.StepRecord{Weight: s.Steps[i].Weight}
		}
	}
	if r := current(&s); r != nil {
		move(r.VerifiedAt)
		if s.Phase != api.ReleaseShifting && s.Phase != api.ReleaseObserving {
			s.Verdict, r.VerifiedAt, r.Verdict = nil, nil, nil
		}
	}
	s.StartedAt, s.FinishedAt, s.Conditions = nil, nil, nil
	s.Message = "whatever was said before"
	return s
}

func describe(s api.ReleaseStatus) string {
	return fmt.Sprintf("%s(step %d, %s) %q", s.Phase, s.Step, s.Reason, s.Message)
}
