// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// ride is a release in a world where all goes well but for what the test changes.
type ride struct {
	*testing.T
	spec   api.ReleaseSpec
	status api.ReleaseStatus
	now    time.Time
	change func(*Seen)
}

// until decides again and again, as soon as the engine wants to be asked, until the status is as wanted or the time is over.
func (r *ride) until(limit time.Duration, wanted func(api.ReleaseStatus) bool) bool {
	r.Helper()
	for end := r.now.Add(limit); !wanted(r.status); {
		seen := kindly(r.status)
		if r.status.Phase == api.ReleaseRetiring {
			seen.From, seen.To = told(r.status, "v1", seen.From), told(r.status, "v2", seen.To)
		}
		seen.Sample.Requests = 5000
		if r.change != nil {
			r.change(&seen)
		}
		d := Decide(r.now, r.spec, r.status, seen)
		if err := Check(r.now, r.spec, r.status, d.Status); err != nil {
			r.Fatalf("rule %q: %v", d.Rule, err)
		}
		if r.status = d.Status; r.now.Equal(end) || r.status.Phase.Finished() {
			return wanted(r.status)
		}
		if r.now = r.now.Add(max(d.Wake, time.Millisecond)); r.now.After(end) {
			r.now = end
		}
	}
	return true
}

// TestMetricsTroubleAtEveryStep has the metrics fail in every way, in every step of every type, for two hours. A healthy
// version neither goes on nor back by that, the condition says what is wrong, and one interval later it has gone on.
func TestMetricsTroubleAtEveryStep(t *testing.T) {
	const interval = 10 * time.Second
	ten, match, mirror := api.Step{Weight: 10}, api.Step{Match: []api.Match{{Method: "GET"}}}, api.Step{Mirror: &api.Mirror{}}
	troubles := map[string]func(*Seen){
		"down":  func(s *Seen) { s.Sample, s.SampleError = mesh.Sample{}, errors.New("connection refused") },
		"slow":  func(s *Seen) { s.Sample, s.SampleError = mesh.Sample{}, errors.New("context deadline exceeded") },
		"NaN":   func(s *Seen) { s.Sample.Failed = math.NaN() },
		"empty": func(s *Seen) { s.Sample = mesh.Sample{} },
	}
	for kind, steps := range map[api.StrategyType][]api.Step{
		api.StrategyCanary: {ten, {Weight: 50}}, api.StrategyBlueGreen: nil, api.StrategyMirror: {mirror, ten}, api.StrategyABTest: {match, {Weight: 20, Match: match.Match}},
	} {
		s := api.StrategySpec{Type: kind, Steps: steps, Warm: dur(time.Second), Analysis: &api.Analysis{
			Interval: dur(interval), Deadline: dur(time.Minute), MinRequests: 50, SuccessRate: &api.SuccessRate{MinPercent: 99},
		}}
		for i, stage := range Stages(s) {
			if !stage.receives() {
				continue
			}
			for name, trouble := range troubles {
				t.Run(fmt.Sprintf("%s, step %d, %s", kind, i+1, name), func(t *testing.T) {
					r := &ride{T: t, now: t0, spec: api.ReleaseSpec{From: "v1", To: "v2", Strategy: s}}
					r.stepInTrouble(int32(i+1), trouble, interval)
				})
			}
		}
	}
}

func (r *ride) stepInTrouble(step int32, trouble func(*Seen), interval time.Duration) {
	r.Helper()
	here := func(s api.ReleaseStatus) bool { return s.Step == step && s.Phase == api.ReleaseObserving }
	if !r.until(time.Hour, here) {
		r.Fatalf("never in step %d: %s", step, describe(r.status))
	}
	r.change = trouble
	if r.until(2*time.Hour, func(s api.ReleaseStatus) bool { return !here(s) }) {
		r.Fatalf("it has left its step: %s", describe(r.status))
	}
	c := meta.FindStatusCondition(r.status.Conditions, api.ConditionHealthy)
	if c == nil || c.Status != metav1.ConditionUnknown || c.Reason != string(api.VerdictNoData) && c.Reason != string(api.VerdictError) {
		r.Errorf("the condition says %+v", c)
	}
	r.change = nil
	if !r.until(interval, func(s api.ReleaseStatus) bool { return !here(s) }) || r.status.Reason != "" {
		r.Errorf("it does not go on an interval later: %s", describe(r.status))
	}
	if !r.until(time.Hour, func(s api.ReleaseStatus) bool { return s.Phase == api.ReleasePromoted }) {
		r.Errorf("it ends %s", describe(r.status))
	}
}
