// SPDX-License-Identifier: Apache-2.0

package release

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
)

// gated is a release of one step with a gate at the point.
func gated(at api.GatePoint, g api.Gate) api.ReleaseSpec {
	g.Name, g.At = "desk", at
	return api.ReleaseSpec{From: "v1", To: "v2", Strategy: api.StrategySpec{
		Steps: []api.Step{{Weight: 10}}, Drain: dur(time.Second), Gates: []api.Gate{g},
	}}
}

// run lets the release go on in a kind world until it rests or ends. What tells may change what is seen.
func run(t *testing.T, spec api.ReleaseSpec, s api.ReleaseStatus, tells func(api.ReleaseStatus, *Seen)) api.ReleaseStatus {
	t.Helper()
	now := t0
	for range 300 {
		seen := kindly(s)
		if s.Phase == api.ReleaseRetiring {
			seen.From, seen.To = told(s, "v1", seen.From), told(s, "v2", seen.To)
		}
		if tells != nil {
			tells(s, &seen)
		}
		d := Decide(now, spec, s, seen)
		if err := Check(now, spec, s, d.Status); err != nil {
			t.Fatalf("%s in %s: %v", d.Rule, describe(s), err)
		}
		s, now = d.Status, now.Add(max(d.Wake, time.Millisecond))
	}
	return s
}

func TestGates(t *testing.T) {
	job, hook, word := api.Gate{Job: &api.JobGate{}}, api.Gate{Webhook: &api.WebhookGate{}}, api.Gate{Approval: &api.ApprovalGate{}}
	late := word
	late.Deadline = dur(time.Minute)
	open := func(a Ask) GateAnswer { return GateAnswer{Ask: a, State: api.GateOpen, Message: "fine"} }
	shut := func(a Ask) GateAnswer { return GateAnswer{Ask: a, State: api.GateFailed, Message: "no"} }
	for name, c := range map[string]struct {
		at      api.GatePoint
		gate    api.Gate
		answer  func(Ask) GateAnswer
		spec    func(*api.ReleaseSpec)
		phase   api.ReleasePhase
		weight  int32
		reason  string
		records []string
	}{
		"before the start, open":   {at: api.GateBeforeStart, gate: job, answer: open, phase: api.ReleasePromoted, weight: 100, records: []string{"BeforeStart 0 Open"}},
		"before the start, failed": {at: api.GateBeforeStart, gate: job, answer: shut, phase: api.ReleaseRolledBack, reason: ReasonGateFailed, records: []string{"BeforeStart 0 Failed"}},
		"before the start, silent": {at: api.GateBeforeStart, gate: hook, phase: api.ReleaseRolledBack, reason: ReasonGateFailed, records: []string{"BeforeStart 0 Failed"}},
		"before each step":         {at: api.GateBeforeStep, gate: hook, answer: open, phase: api.ReleasePromoted, weight: 100, records: []string{"BeforeStep 1 Open", "BeforeStep 2 Open"}},
		"before a step, not approved": {
			at: api.GateBeforeStep, gate: word, phase: api.ReleaseConnecting, records: []string{"BeforeStep 1 Waiting"},
		},
		"before a step, approved": {
			at: api.GateBeforeStep, gate: word, phase: api.ReleaseObserving, weight: 10, records: []string{"BeforeStep 1 Open", "BeforeStep 2 Waiting"},
			spec: func(s *api.ReleaseSpec) { s.Approvals = []api.Approval{{Gate: "desk", Step: 1, By: "eva"}} },
		},
		"before promotion, not approved": {at: api.GateBeforePromotion, gate: word, phase: api.ReleaseObserving, weight: 10, records: []string{"BeforePromotion 0 Waiting"}},
		"before promotion, too late": {
			at: api.GateBeforePromotion, gate: late, phase: api.ReleaseRolledBack, reason: ReasonGateFailed, records: []string{"BeforePromotion 0 Failed"},
		},
		"before promotion, held": {
			at: api.GateBeforePromotion, gate: hook, answer: shut, phase: api.ReleaseObserving, weight: 10, records: []string{"BeforePromotion 0 Failed"},
			spec: func(s *api.ReleaseSpec) { s.Strategy.OnFailure = api.FailurePause },
		},
		"a promotion opens approvals": {
			at: api.GateBeforePromotion, gate: word, phase: api.ReleasePromoted, weight: 100, records: []string{"BeforePromotion 0 Open"},
			spec: func(s *api.ReleaseSpec) { s.Promote = true },
		},
		"a promotion passes over what failed": {
			at: api.GateBeforePromotion, gate: hook, answer: shut, phase: api.ReleasePromoted, weight: 100, records: []string{"BeforePromotion 0 Failed"},
			spec: func(s *api.ReleaseSpec) { s.Promote = true },
		},
		"after the release": {at: api.GateAfterRelease, gate: job, answer: shut, phase: api.ReleasePromoted, weight: 100, records: []string{"AfterRelease 0 Failed"}},
		"after the way back": {
			at: api.GateAfterRelease, gate: job, answer: open, phase: api.ReleaseRolledBack, reason: ReasonAborted, records: []string{"AfterRelease 0 Open"},
			spec: func(s *api.ReleaseSpec) { s.Abort = true },
		},
		"an abort asks nothing": {
			at: api.GateBeforeStart, gate: word, phase: api.ReleaseRolledBack, reason: ReasonAborted,
			spec: func(s *api.ReleaseSpec) { s.Abort = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := gated(c.at, c.gate)
			if c.spec != nil {
				c.spec(&spec)
			}
			asked := map[Ask]int{}
			got := run(t, spec, api.ReleaseStatus{}, func(s api.ReleaseStatus, seen *Seen) {
				for _, a := range Gates(spec, s) {
					if asked[a]++; c.answer != nil {
						seen.Gates = append(seen.Gates, c.answer(a))
					}
				}
			})
			if got.Phase != c.phase || got.Reason != c.reason || wantedOf(got, "v2").Weight != c.weight {
				t.Errorf("want %s %q at %d %%, got %s", c.phase, c.reason, c.weight, describe(got))
			}
			var records []string
			for _, r := range got.Gates {
				records = append(records, strings.Join([]string{string(r.At), strconv.Itoa(int(r.Step)), string(r.State)}, " "))
				if (r.State == api.GateWaiting) != (r.DecidedAt == nil) || r.Message == "" {
					t.Errorf("want the time and the words of the answer, got %+v", r)
				}
			}
			if diff := cmp.Diff(c.records, records); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			for a, n := range asked {
				if c.answer != nil && n != 1 {
					t.Errorf("%v was asked %d times although it was answered", a, n)
				}
			}
		})
	}
}

// TestGateTakenOut: what nobody asks for any more is not waited for, nor told of.
func TestGateTakenOut(t *testing.T) {
	spec := gated(api.GateBeforeStep, api.Gate{Webhook: &api.WebhookGate{}, Deadline: dur(time.Hour)})
	waiting := run(t, spec, api.ReleaseStatus{}, func(api.ReleaseStatus, *Seen) {})
	if len(waiting.Gates) != 1 || waiting.Gates[0].State != api.GateWaiting {
		t.Fatalf("want one gate that is waited for, got %+v", waiting.Gates)
	}
	spec.Strategy.Gates = nil
	got := run(t, spec, waiting, func(api.ReleaseStatus, *Seen) {})
	if got.Phase != api.ReleasePromoted || len(got.Gates) > 0 {
		t.Errorf("want a promotion without gates, got %s with %+v", describe(got), got.Gates)
	}
}
