// SPDX-License-Identifier: Apache-2.0

package release

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
)

func TestStages(t *testing.T) {
	match := []api.Match{{Method: "GET"}}
	all := &api.Mirror{Percent: 100, Methods: api.MirrorSafe}
	hour := time.Hour
	for name, c := range map[string]struct {
		strategy api.StrategySpec
		want     []Stage
	}{
		"nothing said": {want: []Stage{{Weight: 100}}},
		"weights":      {api.StrategySpec{Steps: []api.Step{{Weight: 10, Hold: dur(hour)}, {Weight: 50}}}, []Stage{{Weight: 10, Hold: hour}, {Weight: 50}, {Weight: 100}}},
		"100 is said":  {api.StrategySpec{Steps: []api.Step{{Weight: 100, Hold: dur(hour)}}}, []Stage{{Weight: 100, Hold: hour}}},
		"at least the interval": {
			api.StrategySpec{Steps: []api.Step{{Weight: 10}}, Analysis: &api.Analysis{}},
			[]Stage{{Weight: 10, Hold: 30 * time.Second}, {Weight: 100, Hold: 30 * time.Second}},
		},
		"ramp":                 {api.StrategySpec{Ramp: &api.Ramp{Step: 40, Interval: *dur(hour)}}, []Stage{{Weight: 40, Hold: hour}, {Weight: 80, Hold: hour}, {Weight: 100, Hold: hour}}},
		"ramp from, up to":     {api.StrategySpec{Ramp: &api.Ramp{Start: 5, Step: 10, Max: 25}}, []Stage{{Weight: 5}, {Weight: 15}, {Weight: 25}, {Weight: 100}}},
		"blue-green":           {api.StrategySpec{Type: api.StrategyBlueGreen}, []Stage{{}, {Weight: 100, Hold: defaultWarm, Warm: defaultWarm}}},
		"blue-green, not warm": {api.StrategySpec{Type: api.StrategyBlueGreen, Warm: dur(0)}, []Stage{{}, {Weight: 100}}},
		"mirror":               {api.StrategySpec{Type: api.StrategyMirror}, []Stage{{Mirror: all}, {Weight: 100}}},
		"A/B":                  {api.StrategySpec{Type: api.StrategyABTest, Steps: []api.Step{{Match: match}}}, []Stage{{Match: match}, {Weight: 100}}},
		"mirror, A/B, weights": {
			api.StrategySpec{Steps: []api.Step{{Mirror: &api.Mirror{}}, {Match: match}, {Weight: 50}}},
			[]Stage{{Mirror: all}, {Match: match}, {Weight: 50}, {Weight: 100}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Stages(c.strategy)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCapacityFollows(t *testing.T) {
	spec := api.ReleaseSpec{From: "v1", To: "v2", Strategy: api.StrategySpec{
		Capacity: api.CapacityFollow, Steps: []api.Step{{Weight: 10}, {Weight: 50}},
	}}
	ready := int32(0)
	got := map[int32]int32{}
	run(t, spec, api.ReleaseStatus{}, func(s api.ReleaseStatus, seen *Seen) {
		w := wantedOf(s, "v2")
		if w.Weight > 0 && int64(ready)*100 < int64(w.Weight)*10 {
			t.Fatalf("%d %% with %d of 10 pods ready", w.Weight, ready)
		}
		if s.Phase == api.ReleaseShifting || s.Phase == api.ReleaseConnecting {
			got[w.Weight] = w.Replicas
		}
		ready = w.Replicas
		seen.Replicas = 10
		if s.Phase != api.ReleaseRetiring {
			seen.From = Pods{Replicas: 10, Ready: 10, Available: true, Present: 10}
		}
		seen.To = Pods{Replicas: ready, Ready: ready, Available: true, Present: ready}
	})
	if diff := cmp.Diff(map[int32]int32{0: 1, 10: 5, 50: 10, 100: 10}, got); diff != "" {
		t.Errorf("pods at each weight (-want +got):\n%s", diff)
	}
}

func TestSkipWaivesTheStep(t *testing.T) {
	spec, status := canary()
	seen := kindly(status)
	seen.Sample.Requests = 0
	for skip, want := range map[int32]api.ReleasePhase{0: api.ReleaseObserving, 1: api.ReleaseShifting, 2: api.ReleaseObserving} {
		spec.Skip = skip
		if got := Decide(t0, spec, status, seen).Status; got.Phase != want {
			t.Errorf("skip %d: want %s, got %s", skip, want, describe(got))
		}
	}
}
