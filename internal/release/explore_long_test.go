// SPDX-License-Identifier: Apache-2.0

//go:build explore

package release

import (
	"testing"

	api "weir.dev/weir/api/v1alpha1"
)

// TestExplore visits more than a million states: of every type of release, with every kind of gate at every point; with two
// things out of the ordinary at a time; with all that a strategy may say at once; and of units whose releases read each
// other as late as they like.
func TestExplore(t *testing.T) {
	var sum tally
	t.Run("strategies", func(t *testing.T) { everyStatus(t, &sum, strategies(3), 1) })
	t.Run("two things at once", func(t *testing.T) { everyStatus(t, &sum, ofEachType(), 2) })
	t.Run("everything", func(t *testing.T) { everyStatus(t, &sum, everything(), 1) })
	t.Run("units", func(t *testing.T) { exploreUnits(t, &sum) })
	t.Logf("in all: %s", &sum)
	if sum.statuses < 1_000_000 {
		t.Errorf("only %d states, want a million", sum.statuses)
	}
}

// ofEachType are the plain strategies of each type.
func ofEachType() map[string]api.StrategySpec {
	all := map[string]api.StrategySpec{}
	for name, s := range strategies(1) {
		if len(s.Gates) == 0 && s.Capacity == "" {
			all[name] = s
		}
	}
	return all
}

func exploreUnits(t *testing.T, sum *tally) {
	one := brief(api.StrategyCanary, api.Step{Weight: 10})
	asked := brief(api.StrategyBlueGreen)
	asked.Gates = []api.Gate{{Name: "desk", At: api.GateBeforePromotion, Approval: &api.ApprovalGate{}}}
	for name, c := range map[string]struct {
		strategy api.StrategySpec
		odd      []string
	}{
		"steps":    {one, []string{"lag", "v3 wanted", "v1 wanted", "abort", "1 ready", "promote", "paused"}},
		"pods die": {one, []string{"none ready", "abort", "promote"}},
		"judged":   {judged(one, api.FailureRollback, api.MissingFail), []string{"bad", "few", "lag", "abort", "v3 wanted"}},
		"approved": {asked, []string{"nobody approves", "paused", "abort", "promote", "v3 wanted"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exploreUnit(t, sum, name, c.strategy, c.odd...)
		})
	}
}
