// SPDX-License-Identifier: Apache-2.0

//go:build api

package crash_test

import (
	"context"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/test/world"
)

// scenario is a release and what its user does.
type scenario struct {
	strategy api.StrategySpec
	// failing makes the new version answer with errors.
	failing bool
	// act is what the user does after the image was changed to v2; nil is nothing.
	act func(context.Context, *world.World) error
	// unit releases both components as one, page first.
	unit bool
	// autoscaled leaves the number of reviews' pods to an autoscaler.
	autoscaled bool
	// ends are the phases in which the releases end.
	ends map[string]api.ReleasePhase
}

const drain = 200 * time.Millisecond

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func strategy(kind api.StrategyType, steps ...api.Step) api.StrategySpec {
	return api.StrategySpec{Type: kind, Steps: steps, Drain: duration(drain)}
}

var promoted = map[string]api.ReleasePhase{"reviews-v2": api.ReleasePromoted}

var rolledBack = map[string]api.ReleasePhase{"reviews-v2": api.ReleaseRolledBack}

func scenarios() map[string]scenario {
	held := strategy(api.StrategyCanary, api.Step{Weight: 10, Hold: duration(time.Hour)})
	green := strategy(api.StrategyBlueGreen)
	green.Warm = duration(drain)
	judged := strategy(api.StrategyCanary, api.Step{Weight: 10})
	judged.Analysis = &api.Analysis{Interval: duration(time.Second), MinRequests: 50, SuccessRate: &api.SuccessRate{MinPercent: 99}}
	tester := api.Match{Headers: []api.NamedMatch{{Name: "x-user", StringMatch: api.StringMatch{Exact: "tester"}}}}
	return map[string]scenario{
		"canary":     {strategy: strategy(api.StrategyCanary, api.Step{Weight: 10}, api.Step{Weight: 50}), ends: promoted},
		"blue-green": {strategy: green, ends: promoted},
		"mirror":     {strategy: strategy(api.StrategyMirror), ends: promoted},
		"ab":         {strategy: strategy(api.StrategyABTest, api.Step{Match: []api.Match{tester}}, api.Step{Weight: 50}), ends: promoted},
		"rollback":   {strategy: judged, failing: true, ends: rolledBack},
		"gates":      {strategy: gated(), ends: promoted},
		"unit": {strategy: strategy(api.StrategyCanary, api.Step{Weight: 10}), unit: true, ends: map[string]api.ReleasePhase{
			"page-v2": api.ReleasePromoted, "reviews-v2": api.ReleasePromoted,
		}},
		"autoscaled": {strategy: strategy(api.StrategyCanary, api.Step{Weight: 10}), autoscaled: true, ends: promoted},
		"abort": {strategy: held, ends: rolledBack, act: func(ctx context.Context, w *world.World) error {
			return observing(ctx, w, "reviews-v2", func(s *api.ReleaseSpec) { s.Abort = true })
		}},
		"supersede": {strategy: held, act: supersede, ends: map[string]api.ReleasePhase{
			"reviews-v2": api.ReleaseRolledBack, "reviews-v3": api.ReleasePromoted,
		}},
	}
}

// gated has a Job at each point of a release.
func gated() api.StrategySpec {
	s := strategy(api.StrategyCanary, api.Step{Weight: 10})
	for _, at := range []api.GatePoint{api.GateBeforeStart, api.GateBeforeStep, api.GateBeforePromotion, api.GateAfterRelease} {
		s.Gates = append(s.Gates, api.Gate{Name: strings.ToLower(string(at)), At: at, Job: &api.JobGate{Image: "smoke:1"}})
	}
	return s
}

func observing(ctx context.Context, w *world.World, name string, change func(*api.ReleaseSpec)) error {
	if err := w.Phase(ctx, name, api.ReleaseObserving); err != nil {
		return err
	}
	return w.Command(ctx, name, change)
}

func supersede(ctx context.Context, w *world.World) error {
	if err := w.Phase(ctx, "reviews-v2", api.ReleaseObserving); err != nil {
		return err
	}
	if err := w.Set(ctx, "reviews:v3"); err != nil {
		return err
	}
	return observing(ctx, w, "reviews-v3", func(s *api.ReleaseSpec) { s.Promote = true })
}

// play lets the user act, and waits until every release has ended.
func (s scenario) play(ctx context.Context, w *world.World) error {
	if s.failing {
		w.Callers.Saw(mesh.Sample{Requests: 1000, Failed: 500})
	}
	change := func(a *api.ApplicationSpec) {
		a.Components[1].Image = "reviews:v2"
		if s.unit {
			a.Components[0].Image = "page:v2"
		}
	}
	if err := w.Change(ctx, change); err != nil {
		return err
	}
	if s.act != nil {
		if err := s.act(ctx, w); err != nil {
			return err
		}
	}
	for name, phase := range s.ends {
		if err := w.Phase(ctx, name, phase); err != nil {
			return err
		}
	}
	return nil
}
