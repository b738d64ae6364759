// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/release"
)

// tooLong ends a walk that the engine does not end.
const tooLong = 10_000

// walk lets the engine itself run the release in a world where pods are ready at once, callers follow at once and time
// costs nothing. It returns each status that asks for something new, and that in which requests in flight end.
func walk(spec api.ReleaseSpec, replicas int32) ([]api.ReleaseStatus, error) {
	spec.Strategy = timed(spec.Strategy)
	var status api.ReleaseStatus
	var out []api.ReleaseStatus
	now := time.Unix(0, 0).UTC()
	for range tooLong {
		next := release.Decide(now, spec, status, ideal(spec, status, replicas)).Status
		drains := next.Phase == api.ReleaseDraining && status.Phase != next.Phase
		if len(out) == 0 || drains || next.Step != status.Step || !equality.Semantic.DeepEqual(next.Wanted, status.Wanted) {
			out = append(out, next)
		}
		if next.Phase.Finished() {
			return out, nil
		}
		if next.Phase == status.Phase {
			now = now.Add(patience(spec, next))
		}
		status = next
	}
	return nil, fmt.Errorf("component %s: the release from %s to %s would not end: %s", spec.Component, spec.From, spec.To, status.Message)
}

// timed is the strategy with nothing but its steps and their time: what depends on metrics, people or the hour of the day
// is told besides.
func timed(s api.StrategySpec) api.StrategySpec {
	stages := release.Stages(s)
	s.Steps, s.Ramp, s.Analysis, s.Gates, s.Windows, s.Warm = nil, nil, nil, nil, nil, ptr.To(metav1.Duration{})
	for _, stage := range stages {
		s.Steps = append(s.Steps,
			api.Step{Weight: stage.Weight, Match: stage.Match, Mirror: stage.Mirror, Hold: &metav1.Duration{Duration: stage.Hold}})
	}
	return s
}

// ideal is a world in which everything that the status wants is there.
func ideal(spec api.ReleaseSpec, status api.ReleaseStatus, replicas int32) release.Seen {
	seen := release.Seen{Replicas: replicas, Desired: spec.To, Proof: mesh.Proof{Served: true, Method: "preview", Proxies: 1}}
	if status.Phase == "" {
		seen.From = present(replicas)
	}
	for _, w := range status.Wanted {
		switch w.Version {
		case spec.From:
			seen.From = present(w.Replicas)
		case spec.To:
			seen.To = present(w.Replicas)
		}
	}
	return seen
}

func present(n int32) release.Pods {
	return release.Pods{Replicas: n, Ready: n, Present: n, Available: n > 0}
}

// patience is how far the clock may be put on without missing anything.
func patience(spec api.ReleaseSpec, status api.ReleaseStatus) time.Duration {
	stages := release.Stages(spec.Strategy)
	switch n := int(status.Step); {
	case status.Phase == api.ReleaseObserving && n > 0:
		return max(stages[min(n, len(stages))-1].Hold, time.Second)
	case status.DrainUntil != nil && status.Since != nil:
		return max(status.DrainUntil.Sub(status.Since.Time), time.Second)
	default:
		return time.Second
	}
}
