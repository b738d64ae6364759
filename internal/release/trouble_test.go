// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// interval at which the steps of these releases are judged, and the deadline that the trouble outlasts.
const judgedEvery, judgedUntil = 30 * time.Second, 2 * time.Minute

// measuredTypes are releases of every type, judged by everything there is.
func measuredTypes() map[string]api.StrategySpec {
	of := func(t api.StrategyType, steps ...api.Step) api.StrategySpec {
		return api.StrategySpec{Type: t, Steps: steps, Warm: dur(time.Minute), Drain: dur(time.Second)}
	}
	match := api.Step{Match: []api.Match{{Method: "GET"}}, Hold: dur(time.Minute)}
	copies := api.Step{Mirror: &api.Mirror{}, Hold: dur(time.Minute)}
	all := map[string]api.StrategySpec{
		"at once": {}, "canary": of(api.StrategyCanary, api.Step{Weight: 10}, api.Step{Weight: 50, Hold: dur(time.Minute)}),
		"ramp": {Ramp: &api.Ramp{Step: 40, Interval: *dur(time.Minute)}}, "blue-green": of(api.StrategyBlueGreen),
		"mirror": of(api.StrategyMirror), "mirror, then weights": of(api.StrategyMirror, copies, api.Step{Weight: 50}),
		"A/B": of(api.StrategyABTest, match), "mirror, A/B, weights": of(api.StrategyCanary, copies, match, api.Step{Weight: 50}),
		"A/B and a weight, with copies": of(api.StrategyCanary, api.Step{Match: match.Match, Mirror: &api.Mirror{}}, api.Step{Weight: 10, Match: match.Match}),
		"unit":                          of(api.StrategyCanary, api.Step{Weight: 10}),
	}
	for name, s := range all {
		s.Analysis = &api.Analysis{
			Interval: dur(judgedEvery), Deadline: dur(judgedUntil), MinRequests: 50, SuccessRate: &api.SuccessRate{MinPercent: 99},
			Latency: &api.Latency{Max: *dur(time.Second)}, ErrorBudget: &api.ErrorBudget{MaxFailures: 5},
			Unanswered: &api.Unanswered{MaxPercent: 1}, RequestRate: &api.RequestRate{Min: new(1.0)},
			Compare: &api.Compare{MaxLatencyIncrease: new(20.0)}, Metrics: []api.Metric{{Name: "queue", Query: "sum(queue)", Max: new(10.0)}},
		}
		all[name] = s
	}
	return all
}

// trouble is something wrong with metrics, and what is said of it.
type trouble struct {
	change func(*Seen)
	reason string
}

// troubles are all that can be wrong with metrics.
var troubles = map[string]trouble{
	"down":         {func(s *Seen) { s.Sample, s.SampleError = mesh.Sample{}, errors.New("connection refused") }, ReasonMetricsError},
	"slow":         {func(s *Seen) { s.Sample, s.SampleError = mesh.Sample{}, errors.New("no answer within 2s") }, ReasonMetricsError},
	"requests NaN": {func(s *Seen) { s.Sample.Requests = math.NaN() }, ReasonMetricsError},
	"failures NaN": {func(s *Seen) { s.Sample.Failed = math.NaN() }, ReasonMetricsError},
	"endless":      {func(s *Seen) { s.Sample.Requests = math.Inf(1) }, ReasonMetricsError},
	"latency NaN": {func(s *Seen) {
		s.Sample.Latency = mesh.Histogram{{Upper: 1, Count: math.NaN()}, {Upper: mesh.Endless, Count: 1}}
	}, ReasonMetricsError},
	"stale":             {func(s *Seen) { s.Sample.Age, s.Sample.Every = 10*time.Minute, 15*time.Second }, ReasonMetricsError},
	"own value down":    {func(s *Seen) { s.Sample.Values["queue"] = mesh.Value{Err: errors.New("503")} }, ReasonMetricsError},
	"empty":             {func(s *Seen) { s.Sample = mesh.Sample{} }, ReasonNoData},
	"without latency":   {func(s *Seen) { s.Sample.Latency = nil }, ReasonNoData},
	"without a span":    {func(s *Seen) { s.Sample.Span = 0 }, ReasonNoData},
	"own value missing": {func(s *Seen) { s.Sample.Values = nil }, ReasonNoData},
	"own value NaN":     {func(s *Seen) { s.Sample.Values["queue"] = mesh.Value{Number: math.NaN()} }, ReasonNoData},
	"fewer than enough": {func(s *Seen) { s.Sample.Requests = 49 }, ReasonNoData},
}

// troublesBeside are those of the version beside, where one runs.
var troublesBeside = map[string]trouble{
	"beside NaN":         {func(s *Seen) { s.Sample.Beside.Failed = math.NaN() }, ReasonMetricsError},
	"nothing beside":     {func(s *Seen) { s.Sample.Beside = nil }, ReasonNoData},
	"few beside":         {func(s *Seen) { s.Sample.Beside.Requests = 49 }, ReasonNoData},
	"no latency beside":  {func(s *Seen) { s.Sample.Beside.Latency = nil }, ReasonNoData},
	"too few to compare": {func(s *Seen) { s.Sample.Requests, s.Sample.Latency = 60, took100ms(60) }, ReasonNoData},
}

// watchedRelease is a healthy release whose metrics may be in trouble.
type watchedRelease struct {
	*testing.T
	spec   api.ReleaseSpec
	status api.ReleaseStatus
	now    time.Time
}

func watchRelease(t *testing.T, name string, strategy api.StrategySpec) *watchedRelease {
	r := &watchedRelease{T: t, now: t0, spec: api.ReleaseSpec{From: "v1", To: "v2", Strategy: *strategy.DeepCopy()}}
	if name == "unit" {
		r.spec.Unit = &api.Unit{Name: "all", Releases: []string{"page", "reviews"}}
	}
	return r
}

// look lets the release decide, and the time pass until it wants to look again.
func (r *watchedRelease) look(trouble func(*Seen)) {
	r.Helper()
	seen := kindly(r.status)
	h := took100ms(1000)
	seen.Name, seen.Peers = "reviews", []Peer{{Name: "page", Phase: api.ReleaseDraining, Step: 99, Last: true, Passed: true}}
	seen.Sample = mesh.Sample{
		Requests: 1000, Latency: h, Span: 10 * time.Second, Age: time.Second, Every: 5 * time.Second,
		Beside: &mesh.Sample{Requests: 1000, Latency: h}, Values: map[string]mesh.Value{"queue": {Number: 3}},
	}
	if trouble != nil {
		trouble(&seen)
	}
	if r.status.Phase == api.ReleaseRetiring {
		seen.From, seen.To = told(r.status, "v1", seen.From), told(r.status, "v2", seen.To)
	}
	d := Decide(r.now, r.spec, r.status, seen)
	if err := Check(r.now, r.spec, r.status, d.Status); err != nil {
		r.Fatalf("rule %q in %s: %v", d.Rule, describe(r.status), err)
	}
	r.status, r.now = d.Status, r.now.Add(d.Wake)
}

// took100ms is so many requests that took 100 ms at most.
func took100ms(n float64) mesh.Histogram {
	return mesh.NewHistogram([]mesh.Bucket{{Upper: 100 * time.Millisecond, Count: n}, {Upper: mesh.Endless, Count: n}})
}

// comes to the moment at which the weight of a step begins to be watched.
func (r *watchedRelease) comesTo(step int32) {
	r.Helper()
	for range 1000 {
		if r.status.Phase == api.ReleaseObserving && r.status.Step == step {
			return
		}
		r.look(nil)
	}
	r.Fatalf("never comes to step %d: %s", step, describe(r.status))
}

// goneOn is true when the step needs no more proof.
func (r *watchedRelease) goneOn(step int32) bool {
	return r.status.Step > step || r.status.Phase != api.ReleaseObserving || current(&r.status).PassedAt != nil
}

// TestMetricsInTrouble: whatever is wrong with the metrics, at whatever step of whatever type of release, and however
// long: the version is neither promoted nor turned back, a condition has a name for it, and the release goes on within
// one interval from when the metrics are back.
func TestMetricsInTrouble(t *testing.T) {
	cases := 0
	for name, strategy := range measuredTypes() {
		for i, stage := range Stages(strategy) {
			if !stage.receives() {
				continue // nothing is asked of metrics
			}
			all := maps.Clone(troubles)
			if stage.Weight < whole {
				maps.Copy(all, troublesBeside)
			}
			for trouble, c := range all {
				cases++
				t.Run(fmt.Sprintf("%s, step %d, %s", name, i+1, trouble), func(t *testing.T) {
					r := watchRelease(t, name, strategy)
					r.inTrouble(int32(i+1), c.change, c.reason)
				})
			}
		}
	}
	t.Logf("%d cases", cases)
}

func (r *watchedRelease) inTrouble(step int32, trouble func(*Seen), reason string) {
	r.Helper()
	r.comesTo(step)
	weight, began := wantedOf(r.status, "v2").Weight, r.now
	for r.now.Sub(began) < 10*judgedUntil {
		r.look(trouble)
		if r.goneOn(step) || r.status.Reason != "" || wantedOf(r.status, "v2").Weight != weight {
			r.Fatalf("goes to %s after %s", describe(r.status), r.now.Sub(began))
		}
	}
	c := meta.FindStatusCondition(r.status.Conditions, api.ConditionHealthy)
	if c == nil || c.Status != metav1.ConditionUnknown || c.Reason != reason || c.Message == "" || c.Message != r.status.Verdict.Message {
		r.Errorf("condition %+v, want Unknown %s with the words of the verdict %q", c, reason, r.status.Verdict.Message)
	}
	for back := r.now; !r.goneOn(step); r.look(nil) {
		if waited := r.now.Sub(back); waited > judgedEvery || r.status.Reason != "" {
			r.Fatalf("%s after the metrics are back: %s", waited, describe(r.status))
		}
	}
	for range 1000 {
		if r.status.Phase.Finished() {
			break
		}
		r.look(nil)
	}
	if r.status.Phase != api.ReleasePromoted {
		r.Errorf("ends as %s", describe(r.status))
	}
}

// TestMetricsInTroubleForAWhile: trouble that is over before the step's time is costs no time.
func TestMetricsInTroubleForAWhile(t *testing.T) {
	for trouble, c := range troubles {
		t.Run(trouble, func(t *testing.T) {
			r := watchRelease(t, "canary", measuredTypes()["canary"])
			r.comesTo(2)
			began := r.now
			for r.now.Sub(began) < 40*time.Second {
				r.look(c.change)
			}
			for !r.goneOn(2) {
				r.look(nil)
			}
			if took := r.now.Sub(began); took > time.Minute+lookPace {
				t.Errorf("took %s, want 1m", took)
			}
		})
	}
}

// TestMetricsDownIsToldAtOnce: what was known of the version before the metrics went away is not said any longer.
func TestMetricsDownIsToldAtOnce(t *testing.T) {
	r := watchRelease(t, "canary", measuredTypes()["canary"])
	r.comesTo(2)
	r.look(nil)
	r.look(nil)
	if !meta.IsStatusConditionTrue(r.status.Conditions, api.ConditionHealthy) {
		t.Fatalf("conditions %+v, want it healthy", r.status.Conditions)
	}
	r.look(troubles["down"].change)
	if c := meta.FindStatusCondition(r.status.Conditions, api.ConditionHealthy); c.Status != metav1.ConditionUnknown || c.Reason != ReasonMetricsError {
		t.Errorf("condition %+v, want Unknown %s", c, ReasonMetricsError)
	}
}
