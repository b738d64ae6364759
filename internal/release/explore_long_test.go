// SPDX-License-Identifier: Apache-2.0

//go:build explore

package release

import (
	"testing"

	api "weir.dev/weir/api/v1alpha1"
)

// TestExploreTwoThingsAtOnce has two things out of the ordinary at a time.
func TestExploreTwoThingsAtOnce(t *testing.T) { everyStatus(t, strategies(3), 2) }

// TestExploreEverything has strategies that say all that a strategy may say.
func TestExploreEverything(t *testing.T) { everyStatus(t, everything(), 1) }

// TestExploreUnits has two releases that go as one, each of which reads the other as late as it likes.
func TestExploreUnits(t *testing.T) {
	one := brief(api.StrategyCanary, api.Step{Weight: 10})
	t.Run("steps", func(t *testing.T) {
		exploreUnit(t, "steps", one, "lag", "v3 wanted", "v1 wanted", "abort", "1 ready", "promote", "paused")
	})
	t.Run("pods die", func(t *testing.T) {
		exploreUnit(t, "pods die", one, "none ready", "abort", "promote")
	})
	t.Run("judged", func(t *testing.T) {
		exploreUnit(t, "judged", judged(one, api.FailureRollback, api.MissingFail), "bad", "few", "lag", "abort", "v3 wanted")
	})
}
