// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"slices"
	"testing"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

// complaints keeps what an exploration says instead of failing the test.
type complaints struct {
	testing.TB
	said []string
}

func (c *complaints) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}
func (c *complaints) Failed() bool        { return len(c.said) > 0 }
func (c *complaints) Logf(string, ...any) {}

// bugged explores with another rule book, until there is something to complain of. Nothing else may run at the time.
func bugged(t *testing.T, book []rule) []string {
	t.Helper()
	right := rules
	t.Cleanup(func() { rules = right })
	rules = book
	defer func() { rules = right }()
	c := &complaints{TB: t}
	for _, s := range suspects() {
		if e := explore(c, api.ReleaseSpec{Strategy: s}, 1); !c.Failed() {
			e.run()
		}
	}
	if !c.Failed() {
		exploreUnit(c, &tally{}, "unit", brief(api.StrategyCanary, api.Step{Weight: 10}), "lag", "abort", "v3 wanted")
	}
	return c.said
}

// suspects are small strategies that between them need every rule.
func suspects() []api.StrategySpec {
	proven := judged(brief(api.StrategyCanary), api.FailureRollback, api.MissingHold)
	held := brief(api.StrategyCanary)
	held.Warm = dur(2 * time.Second)
	hours := brief(api.StrategyCanary)
	hours.Windows = []api.Window{{}}
	asked := brief(api.StrategyCanary)
	asked.Gates = gates(api.GateBeforeStart)[:1]
	served := brief(api.StrategyCanary)
	served.Gates = gates(api.GateBeforePromotion)[1:2]
	return []api.StrategySpec{held, proven, hours, asked, served}
}

// TestEveryRuleIsNeeded: the exploration complains as soon as any rule is left out of the book, and of no rule in it.
func TestEveryRuleIsNeeded(t *testing.T) {
	if said := bugged(t, rules); len(said) > 0 {
		t.Fatalf("the book as it is: %s", said[0])
	}
	for i, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			said := bugged(t, slices.Delete(slices.Clone(rules), i, i+1))
			if len(said) == 0 {
				t.Fatal("nobody misses it")
			}
			t.Log(said[0])
		})
	}
}

// TestSeededBugsAreFound: so it does when a rule says something else than it should.
func TestSeededBugsAreFound(t *testing.T) {
	for name, bug := range map[string]struct {
		rule string
		ask  func(view) (move, bool)
	}{
		"a verdict is dropped":                 {"failed", func(v view) (move, bool) { m, hit := failed(v); return m, hit && m.phase == "" }},
		"no evidence passes for good":          {"wait for evidence", func(v view) (move, bool) { m, hit := waitForEvidence(v); return m, hit && v.fresh == nil }},
		"pods go with requests in flight":      {"drain", func(v view) (move, bool) { return next(api.ReleaseRetiring, "now"), v.in(api.ReleaseDraining) }},
		"the way back asks for good metrics":   {"abort", func(v view) (move, bool) { m, hit := abort(v); return m, hit && v.seen.SampleError == nil }},
		"a pause lets a step begin":            {"paused", func(v view) (move, bool) { m, hit := paused(v); return m, hit && !v.in(api.ReleaseConnecting) }},
		"one pod is enough":                    {"wait for pods", func(v view) (move, bool) { m, hit := waitForPods(v); return m, hit && v.seen.To.Ready == 0 }},
		"callers behind are passed over":       {"observe", func(v view) (move, bool) { return next(api.ReleaseObserving, "watched"), v.in(api.ReleaseShifting) }},
		"a step that begins is begun anew":     {"watch", func(v view) (move, bool) { return next(api.ReleaseShifting, "again"), v.in(api.ReleaseObserving) }},
		"the first of a unit waits for nobody": {"wait for the word", func(v view) (move, bool) { m, hit := waitForWord(v); return m, hit && !v.leads() }},
		"it waits and does not say for what":   {"wait for callers", func(v view) (move, bool) { m, hit := waitForCallers(v); m.message = ""; return m, hit }},
	} {
		t.Run(name, func(t *testing.T) {
			book := slices.Clone(rules)
			i := slices.IndexFunc(book, func(r rule) bool { return r.name == bug.rule })
			book[i].ask = bug.ask
			said := bugged(t, book)
			if len(said) == 0 {
				t.Fatal("nobody sees it")
			}
			t.Log(said[0])
		})
	}
}
