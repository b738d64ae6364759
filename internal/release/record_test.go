// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// canary is a release with one step, one minute into being watched at 10 %.
func canary() (api.ReleaseSpec, api.ReleaseStatus) {
	spec := api.ReleaseSpec{From: "v1", To: "v2", Strategy: api.StrategySpec{
		Steps:    []api.Step{{Weight: 10, Hold: dur(time.Hour)}},
		Analysis: &api.Analysis{SuccessRate: &api.SuccessRate{MinPercent: 99}},
	}}
	at := func(d time.Duration) *metav1.MicroTime { return micro(t0.Add(d)) }
	return spec, api.ReleaseStatus{
		Phase: api.ReleaseObserving, Since: at(-time.Minute), StartedAt: at(-2 * time.Minute), Step: 1,
		Steps:    []api.StepRecord{{Weight: 10, WantedAt: *at(-61 * time.Second), VerifiedAt: at(-time.Minute)}},
		Verified: &api.Verified{Weight: 10, At: *at(-time.Minute), Method: "test", Proxies: 3},
		Wanted:   []api.VersionWanted{{Version: "v1", Replicas: 2, Subset: true, Weight: 90}, {Version: "v2", Replicas: 2, Subset: true, Weight: 10}},
	}
}

// shifting is the same release while callers are told of 10 %.
func shifting() (api.ReleaseSpec, api.ReleaseStatus) {
	spec, s := canary()
	s.Phase, s.Steps[0].VerifiedAt = api.ReleaseShifting, nil
	s.Verified.Weight = 0
	s.Verified.At = *micro(t0.Add(-2 * time.Minute))
	return spec, s
}

func TestProofGoesOnRecord(t *testing.T) {
	names := strings.Fields("shop/a shop/b shop/c shop/d shop/e shop/f shop/g shop/h shop/i shop/j shop/k shop/l")
	for name, c := range map[string]struct {
		proof    mesh.Proof
		err      error
		verified api.Verified
		status   metav1.ConditionStatus
		message  string
	}{
		"served": {
			proof:    mesh.Proof{Served: true, Method: "istiod-sync", Proxies: 12},
			verified: api.Verified{Weight: 10, At: *micro(t0), Method: "istiod-sync", Proxies: 12},
			status:   metav1.ConditionTrue, message: "every caller serves v2 with 10 %",
		},
		"one lags": {
			proof:    mesh.Proof{Method: "istiod-sync", Proxies: 12, Lagging: names[:1]},
			verified: api.Verified{At: *micro(t0.Add(-2 * time.Minute)), Method: "istiod-sync", Proxies: 12, Lagging: names[:1]},
			status:   metav1.ConditionFalse, message: "1 of 12 callers does not serve v2 with 10 % yet: shop/a",
		},
		"all lag": {
			proof:    mesh.Proof{Method: "istiod-sync", Proxies: 12, Lagging: names},
			verified: api.Verified{At: *micro(t0.Add(-2 * time.Minute)), Method: "istiod-sync", Proxies: 12, Lagging: names[:10]},
			status:   metav1.ConditionFalse, message: "12 of 12 callers do not serve v2 with 10 % yet: shop/a, shop/b, shop/c, …",
		},
		"it takes time to tell": {
			proof:    mesh.Proof{Method: "request-shares", Proxies: 3, Waits: "callers are\n watched for 30s"},
			verified: api.Verified{At: *micro(t0.Add(-2 * time.Minute)), Method: "request-shares", Proxies: 3},
			status:   metav1.ConditionFalse, message: "callers do not serve v2 with 10 % yet: callers are watched for 30s",
		},
		"nobody knows": {
			err:      errors.New("istiod:\n  no answer"),
			verified: api.Verified{At: *micro(t0.Add(-2 * time.Minute)), Method: "test", Proxies: 3},
			status:   metav1.ConditionUnknown, message: "whether callers serve v2 with 10 % is not known: istiod: no answer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec, status := shifting()
			seen := kindly(status)
			seen.Proof, seen.ProofError = c.proof, c.err
			got := Decide(t0, spec, status, seen).Status
			if diff := cmp.Diff(&c.verified, got.Verified); diff != "" {
				t.Errorf("want, got: %s", diff)
			}
			condition := meta.FindStatusCondition(got.Conditions, api.ConditionVerified)
			if condition == nil || condition.Status != c.status || condition.Message != c.message {
				t.Errorf("want %s %q, got %+v", c.status, c.message, condition)
			}
			if served := got.Phase == api.ReleaseObserving; served != c.proof.Served {
				t.Errorf("want it to be observed: %v, got %s", c.proof.Served, got.Phase)
			}
		})
	}
}

func TestSeeingTheSameAgainChangesNothing(t *testing.T) {
	spec, status := shifting()
	seen := kindly(status)
	seen.Proof = mesh.Proof{Method: "test", Proxies: 3, Lagging: []string{"shop/a"}}
	first := Decide(t0, spec, status, seen).Status
	if diff := cmp.Diff(first, Decide(t0.Add(time.Second), spec, first, seen).Status); diff != "" {
		t.Errorf("lagging a second later: %s", diff)
	}
	spec, status = canary()
	seen = kindly(status)
	seen.Sample = mesh.Sample{Requests: 12}
	first = Decide(t0, spec, status, seen).Status
	if diff := cmp.Diff(first, Decide(t0.Add(5*time.Second), spec, first, seen).Status); diff != "" {
		t.Errorf("twelve requests five seconds later: %s", diff)
	}
}

func TestThatCallersAreAMomentLateIsNoNews(t *testing.T) {
	for phase, reason := range map[api.ReleasePhase]string{api.ReleaseShifting: "", api.ReleaseReturning: ReasonAborted} {
		spec, status := shifting()
		status.Phase, status.Reason, status.Since, status.Message = phase, reason, micro(t0), "they are told"
		seen := kindly(status)
		seen.Proof = mesh.Proof{Method: "test", Proxies: 3, Lagging: []string{"shop/a"}}
		soon := Decide(t0.Add(proofHaste/2), spec, status, seen)
		if soon.Status.Message != status.Message || len(soon.Status.Verified.Lagging) > 0 || soon.Wake != proofPace {
			t.Errorf("%s, half a second later: %q, %+v, again after %s", phase, soon.Status.Message, soon.Status.Verified, soon.Wake)
		}
		late := Decide(t0.Add(proofHaste), spec, soon.Status, seen).Status
		if !strings.Contains(late.Message, "shop/a") || len(late.Verified.Lagging) != 1 {
			t.Errorf("%s, a second later: %q, %+v", phase, late.Message, late.Verified)
		}
	}
}

func TestHealthDoesNotFlap(t *testing.T) {
	spec, status := canary()
	spec.Strategy.Steps[0].Hold = dur(10 * time.Second)
	health := func(s api.ReleaseStatus) string {
		if c := meta.FindStatusCondition(s.Conditions, api.ConditionHealthy); c != nil {
			return fmt.Sprintf("%s %s", c.Status, c.Reason)
		}
		return "none"
	}
	seen := kindly(status)
	status = Decide(t0, spec, status, seen).Status
	if got := health(status); status.Phase != api.ReleaseShifting || got != "True Pass" {
		t.Fatalf("want a pass and the next step, got %s in %s", got, status.Phase)
	}
	if status.Verdict != nil || status.Steps[0].Verdict == nil {
		t.Errorf("want the verdict on the record of its step, and none of the next, got %+v", status.Verdict)
	}
	status = Decide(t0, spec, status, seen).Status
	seen.Sample = mesh.Sample{}
	status = Decide(t0.Add(2*time.Second), spec, status, seen).Status
	if got := health(status); status.Phase != api.ReleaseObserving || status.Verdict.Result != api.VerdictNoData || got != "True Pass" {
		t.Errorf("want the condition kept while the step gathers its first requests, got %s", got)
	}
	status = Decide(t0.Add(time.Minute), spec, status, seen).Status
	if got := health(status); got != "Unknown NoData" {
		t.Errorf("want it unknown when the step's time is over, got %s", got)
	}
}

func TestLooks(t *testing.T) {
	for name, c := range map[string]struct {
		served, judged time.Duration // ago
		hold           time.Duration
		paused, end    bool
		want           bool
		wake           time.Duration
	}{
		"too soon":                          {served: 900 * time.Millisecond, hold: time.Minute, wake: 100 * time.Millisecond},
		"first":                             {served: time.Second, hold: time.Minute, want: true, wake: time.Second},
		"judged just now":                   {served: 30 * time.Second, judged: 400 * time.Millisecond, hold: time.Minute, wake: 600 * time.Millisecond},
		"a second later":                    {served: 30 * time.Second, judged: time.Second, hold: time.Minute, want: true, wake: time.Second},
		"on the instant it may pass":        {served: time.Minute, judged: 200 * time.Millisecond, hold: time.Minute, want: true},
		"more seldom later":                 {served: 5 * time.Minute, judged: 4 * time.Second, hold: time.Hour, wake: time.Second},
		"most seldom":                       {served: 11 * time.Hour, judged: 9 * time.Second, hold: 24 * time.Hour, wake: time.Second},
		"paused is judged as well":          {served: 30 * time.Second, judged: time.Second, hold: time.Minute, paused: true, want: true, wake: time.Second},
		"the step has its result: no more":  {served: 30 * time.Second, judged: time.Second, hold: time.Minute, end: true, wake: 30 * time.Second},
		"on the instant it has waited long": {served: 10 * time.Minute, judged: 5 * time.Second, hold: time.Minute, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			spec, status := canary()
			spec.Paused = c.paused
			spec.Strategy.Steps[0].Hold = dur(c.hold)
			status.Steps[0].VerifiedAt = micro(t0.Add(-c.served))
			if c.judged > 0 {
				status.Verdict = &api.Verdict{Result: api.VerdictPass, At: *micro(t0.Add(-c.judged))}
			}
			if c.end {
				status.Steps[0].Verdict = &api.Verdict{Result: api.VerdictFail}
			}
			if got := NeedsSample(spec, status, t0); got != c.want {
				t.Errorf("want a look: %v, got %v", c.want, got)
			}
			if d := Decide(t0, spec, status, kindly(status)); c.wake > 0 && d.Wake != c.wake {
				t.Errorf("want the next in %s, got %s", c.wake, d.Wake)
			}
		})
	}
}

func TestExpected(t *testing.T) {
	wanted := func(from, to int32) []api.VersionWanted {
		return []api.VersionWanted{{Version: "v1", Subset: true, Weight: from}, {Version: "v2", Subset: true, Weight: to}}
	}
	for name, c := range map[string]struct {
		phase   api.ReleasePhase
		reason  string
		wanted  []api.VersionWanted
		subsets []string
		weights map[string]int32
	}{
		"before it begins": {"", "", nil, nil, map[string]int32{"v1": 100}},
		"preparing":        {api.ReleasePreparing, "", wanted(100, 0), nil, map[string]int32{"v1": 100}},
		"connecting":       {api.ReleaseConnecting, "", wanted(100, 0), []string{"v2"}, map[string]int32{"v1": 100}},
		"a share":          {api.ReleaseShifting, "", wanted(70, 30), []string{"v2"}, map[string]int32{"v1": 70, "v2": 30}},
		"everything":       {api.ReleaseShifting, "", wanted(0, 100), []string{"v2"}, map[string]int32{"v2": 100}},
		"returning":        {api.ReleaseReturning, ReasonAborted, wanted(100, 0), nil, map[string]int32{"v1": 100}},
	} {
		t.Run(name, func(t *testing.T) {
			subsets, weights := Expected(api.ReleaseSpec{From: "v1", To: "v2"}, api.ReleaseStatus{Phase: c.phase, Reason: c.reason, Wanted: c.wanted})
			if diff := cmp.Diff(c.subsets, subsets) + cmp.Diff(c.weights, weights); diff != "" {
				t.Errorf("want, got: %s", diff)
			}
		})
	}
}

func TestTheRecordOfARelease(t *testing.T) {
	spec := api.ReleaseSpec{From: "v1", To: "v2", Strategy: api.StrategySpec{Steps: []api.Step{{Weight: 50}}}}
	now, status := t0, api.ReleaseStatus{}
	for i := 0; i < 20 && !status.Phase.Finished(); i++ {
		seen := kindly(status)
		if status.Phase == api.ReleaseRetiring {
			seen.From = Pods{}
		}
		d := Decide(now, spec, status, seen)
		status, now = d.Status, now.Add(max(d.Wake, time.Second))
	}
	at := func(s int) metav1.MicroTime { return metav1.MicroTime{Time: t0.Add(time.Duration(s) * time.Second)} }
	pointer := func(m metav1.MicroTime) *metav1.MicroTime { return &m }
	want := []api.StepRecord{
		{Weight: 50, WantedAt: at(2), VerifiedAt: pointer(at(3)), PassedAt: pointer(at(4))},
		{Weight: 100, WantedAt: at(4), VerifiedAt: pointer(at(5)), PassedAt: pointer(at(6))},
	}
	if diff := cmp.Diff(want, status.Steps); diff != "" {
		t.Errorf("want, got: %s", diff)
	}
	if status.Step != 2 || !status.StartedAt.Equal(pointer(at(0))) || !status.FinishedAt.Equal(pointer(at(17))) {
		t.Errorf("want 2 steps from 0 to 17 s, got %d from %s to %s", status.Step, status.StartedAt, status.FinishedAt)
	}
}

func TestAPodsWordsStayOnOneLine(t *testing.T) {
	status := Decide(t0, api.ReleaseSpec{From: "v1", To: "v2"}, api.ReleaseStatus{}, Seen{}).Status
	seen := Seen{To: Pods{Problem: "image cannot be pulled:\n a · b " + strings.Repeat("x", 300)}}
	got := Decide(t0.Add(time.Hour), api.ReleaseSpec{From: "v1", To: "v2"}, status, seen).Status
	if got.Reason != ReasonNotReady || strings.ContainsAny(got.Message, "\n·") || len(got.Message) > 300 {
		t.Errorf("want a short line for %s, got %q for %s", ReasonNotReady, got.Message, got.Reason)
	}
}

func TestReplicasNeverBecomeNoneOnTheWay(t *testing.T) {
	spec, status := canary()
	seen := kindly(status)
	for asked, want := range map[int32]int32{0: 2, -1: 2, 5: 5} {
		seen.Replicas = asked
		for _, w := range Decide(t0, spec, status, seen).Status.Wanted {
			if w.Replicas != want {
				t.Errorf("asked for %d: want %d pods of %s, got %d", asked, want, w.Version, w.Replicas)
			}
		}
	}
}

func TestDrainingPodsAreNotScaled(t *testing.T) {
	spec, status := canary()
	status.Phase, status.DrainUntil = api.ReleaseDraining, micro(t0.Add(time.Minute))
	status.Wanted[0].Weight, status.Wanted[1].Weight = 0, 100
	seen := kindly(status)
	seen.Replicas = 1
	got := Decide(t0, spec, status, seen).Status.Wanted
	want := []api.VersionWanted{{Version: "v1", Replicas: 2, Subset: true}, {Version: "v2", Replicas: 1, Subset: true, Weight: 100}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want, got: %s", diff)
	}
}

// TestNothingIsVerifiedBeforeItIs has a proof that is not there yet, with nobody to blame: callers are not connected by that.
func TestNothingIsVerifiedBeforeItIs(t *testing.T) {
	spec, status := shifting()
	status.Phase, status.Verified, status.Steps, status.Step = api.ReleaseConnecting, nil, nil, 0
	seen := kindly(status)
	seen.Proof = mesh.Proof{Method: "request-shares", Waits: "callers are watched for 30s"}
	got := Decide(t0, spec, status, seen)
	if got.Status.Verified != nil || got.Status.Phase != api.ReleaseConnecting || PeerOf("r", spec, got.Status).Passed {
		t.Errorf("rule %s: %+v", got.Rule, got.Status)
	}
}
