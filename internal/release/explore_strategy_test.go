// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

// TestEveryReachableStatus is the short form of make explore: one thing out of the ordinary at a time, and the number of
// pods and the plan stay what they are unless that is what the strategy is about.
func TestEveryReachableStatus(t *testing.T) {
	var sum tally
	everyStatus(t, &sum, strategies(2), 1)
	t.Logf("in all: %s", &sum)
}

// everyStatus explores each strategy, with so many things out of the ordinary at a time.
func everyStatus(t *testing.T, sum *tally, all map[string]api.StrategySpec, odds int) {
	t.Run("of", func(t *testing.T) {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				e := explore(t, api.ReleaseSpec{Strategy: all[name]}, odds)
				e.run()
				sum.add(t, name, len(e.statuses), e.transitions)
				want := 11
				if !gatedAt(all[name], api.GateBeforeStart) {
					want-- // it never waits before it begins
				}
				if len(e.phases()) != want {
					t.Errorf("want %d phases visited, got %v", want, e.phases())
				}
			})
		}
	})
}

// tally counts what was explored.
type tally struct {
	mu                    sync.Mutex
	statuses, transitions int
}

func (c *tally) add(t testing.TB, name string, statuses, transitions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses, c.transitions = c.statuses+statuses, c.transitions+transitions
	t.Logf("%s: %s", name, &tally{statuses: statuses, transitions: transitions})
}

func (c *tally) String() string {
	return fmt.Sprintf("%d states, %d transitions", c.statuses, c.transitions)
}

func gatedAt(s api.StrategySpec, at api.GatePoint) bool {
	return slices.ContainsFunc(s.Gates, func(g api.Gate) bool { return g.At == at })
}

// brief is a strategy whose times are short.
func brief(t api.StrategyType, steps ...api.Step) api.StrategySpec {
	return api.StrategySpec{Type: t, Steps: steps, Warm: dur(time.Second), Drain: dur(time.Second), ReadyDeadline: dur(time.Second)}
}

// judged lets the strategy's steps prove something.
func judged(s api.StrategySpec, f api.FailureAction, m api.MissingAction) api.StrategySpec {
	s.OnFailure = f
	s.Analysis = &api.Analysis{
		Interval: dur(2 * time.Second), Deadline: dur(3 * time.Second), MinRequests: 10,
		SuccessRate: &api.SuccessRate{MinPercent: 99}, OnNoData: m, OnMetricsError: m,
	}
	return s
}

// strategies of every type; those with gates have so many at each point.
func strategies(many int) map[string]api.StrategySpec {
	ten, half := api.Step{Weight: 10}, api.Step{Weight: 50}
	match, mirror := api.Step{Match: []api.Match{{Method: "GET"}}}, api.Step{Mirror: &api.Mirror{}}
	held := brief(api.StrategyCanary, api.Step{Weight: 10, Hold: dur(time.Second)}, half)
	held.Warm, held.Drain, held.ReadyDeadline = nil, dur(2*time.Second), dur(2*time.Second)
	ramped := brief("")
	ramped.Ramp = &api.Ramp{Start: 10, Step: 45, Interval: *dur(time.Second), Max: 100}
	follow := brief(api.StrategyCanary, ten, half)
	follow.Capacity = api.CapacityFollow
	sticky := brief(api.StrategyCanary, ten, api.Step{Weight: 20, Match: match.Match}, half)
	sticky.Sticky = &api.Sticky{}
	hours := brief(api.StrategyCanary, ten)
	hours.Windows = []api.Window{{}}
	all := map[string]api.StrategySpec{
		"ramp":                 ramped,
		"at once":              {Drain: dur(time.Second), ReadyDeadline: dur(time.Second)},
		"without analysis":     held,
		"blue-green":           brief(api.StrategyBlueGreen),
		"mirror":               brief(api.StrategyMirror),
		"A/B":                  brief(api.StrategyABTest, match),
		"mirror, A/B, weights": brief(api.StrategyCanary, mirror, match, half),
		"capacity follows":     follow,
		"sticky":               sticky,
		"hours":                hours,
	}
	for m, f := range map[api.MissingAction]api.FailureAction{
		api.MissingHold: api.FailurePause, api.MissingPass: api.FailureRollback, api.MissingFail: api.FailureRollback,
	} {
		all[fmt.Sprintf("failure %s, missing %s", f, m)] = judged(brief(api.StrategyCanary, ten), f, m)
	}
	for _, at := range []api.GatePoint{api.GateBeforeStart, api.GateBeforeStep, api.GateBeforePromotion, api.GateAfterRelease} {
		for _, f := range []api.FailureAction{api.FailureRollback, api.FailurePause} {
			s := brief(api.StrategyCanary, ten)
			s.OnFailure = f
			s.Gates = gates(at)[:many]
			all[fmt.Sprintf("gates %s, failure %s", at, f)] = s
		}
	}
	return all
}

// gates of every kind at the point.
func gates(at api.GatePoint) []api.Gate {
	return []api.Gate{
		{Name: "desk", At: at, Approval: &api.ApprovalGate{}},
		{Name: "server", At: at, Webhook: &api.WebhookGate{}, Deadline: dur(2 * time.Second)},
		{Name: "job", At: at, Job: &api.JobGate{}, Deadline: dur(2 * time.Second)},
	}
}

// everything is what a strategy may say, all at once, for each type: for the long form.
func everything() map[string]api.StrategySpec {
	match := []api.Match{{Method: "GET"}}
	all := map[string]api.StrategySpec{
		"canary": judged(brief(api.StrategyCanary,
			api.Step{Mirror: &api.Mirror{Percent: 50}}, api.Step{Match: match, Mirror: &api.Mirror{}}, api.Step{Weight: 10}), api.FailureRollback, api.MissingFail),
		"blue-green": judged(brief(api.StrategyBlueGreen), api.FailurePause, api.MissingPass),
		"A/B":        judged(brief(api.StrategyABTest, api.Step{Match: match}), api.FailurePause, api.MissingHold),
		"mirror":     judged(brief(api.StrategyMirror, api.Step{Mirror: &api.Mirror{}}), api.FailureRollback, api.MissingHold),
	}
	for name, s := range all {
		s.Capacity, s.Sticky, s.Windows = api.CapacityFollow, &api.Sticky{}, []api.Window{{}}
		s.Gates = []api.Gate{
			{Name: "start", At: api.GateBeforeStart, Job: &api.JobGate{}, Deadline: dur(2 * time.Second)},
			{Name: "step", At: api.GateBeforeStep, Webhook: &api.WebhookGate{}, Deadline: dur(2 * time.Second)},
			{Name: "desk", At: api.GateBeforePromotion, Approval: &api.ApprovalGate{}},
		}
		all[name] = s
	}
	return all
}
