// SPDX-License-Identifier: Apache-2.0

package release

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/analysis"
)

// Defaults of a strategy; the API server fills in the same.
const (
	defaultDrain         = 10 * time.Second
	defaultReadyDeadline = 5 * time.Minute
)

// whole is all requests, in percent.
const whole int32 = 100

// nextWeight is the share that follows the given one. 100 follows the last step, and everything when steps are skipped.
func nextWeight(spec api.ReleaseSpec, weight int32) int32 {
	if promoting(spec) {
		return whole
	}
	for _, s := range spec.Strategy.Steps {
		if s.Weight > weight {
			return min(s.Weight, whole)
		}
	}
	return whole
}

// promoting is true when the remaining steps and proofs are skipped. A pause comes first: nothing moves while it lasts.
func promoting(spec api.ReleaseSpec) bool { return spec.Promote && !spec.Paused }

// watchTime is how long a weight is held and watched at least, from when every caller serves it.
func watchTime(spec api.ReleaseSpec, weight int32) time.Duration {
	var hold time.Duration
	for _, s := range spec.Strategy.Steps {
		if s.Weight == weight {
			hold = orElse(s.Hold, 0)
		}
	}
	if a := spec.Strategy.Analysis; a != nil {
		hold = max(hold, analysis.Interval(*a))
	}
	return hold
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
