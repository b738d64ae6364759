// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// dice makes things up, the same for the same seed.
type dice struct{ *rand.Rand }

func roll(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))} }

func (d dice) bool() bool { return d.IntN(2) == 0 }

func (d dice) time() time.Time {
	return t0.Add(time.Duration(d.Int64N(int64(4*time.Hour))) - 2*time.Hour)
}

func pick[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

func (d dice) spec() api.ReleaseSpec {
	spec := api.ReleaseSpec{From: "v1", To: "v2", Paused: d.IntN(8) == 0, Promote: d.IntN(8) == 0, Abort: d.IntN(20) == 0}
	for weight := int32(0); d.IntN(3) > 0; {
		weight += 1 + d.Int32N(60)
		spec.Strategy.Steps = append(spec.Strategy.Steps, api.Step{Weight: weight, Hold: dur(time.Duration(d.IntN(90)) * time.Second)})
	}
	if d.bool() {
		spec.Strategy.Analysis = &api.Analysis{
			MinRequests: d.Int64N(200), SuccessRate: &api.SuccessRate{MinPercent: 100 * d.Float64()},
			Deadline: dur(time.Duration(d.IntN(600)) * time.Second),
			OnNoData: pick(d, "", api.MissingHold, api.MissingPass, api.MissingFail), OnMetricsError: pick(d, "", api.MissingFail),
		}
	}
	spec.Strategy.OnFailure = pick(d, "", api.FailureRollback, api.FailurePause)
	return spec
}

func (d dice) pods() Pods {
	return Pods{
		Replicas: d.Int32N(3), Ready: d.Int32N(4), Available: d.IntN(3) > 0, Present: d.Int32N(3),
		Problem: pick(d, "", "crash loop"),
	}
}

func (d dice) histogram() mesh.Histogram {
	upper := time.Duration(1 + d.IntN(1e9))
	return mesh.NewHistogram([]mesh.Bucket{{Upper: upper, Count: d.Float64() * 400}, {Upper: mesh.Endless, Count: d.Float64() * 500}})
}

func (d dice) seen() Seen {
	s := Seen{
		Replicas: d.Int32N(5) - 1, Desired: pick(d, "v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2", "", "v1", "v3"),
		From: d.pods(), To: d.pods(),
		Proof:  mesh.Proof{Served: d.bool(), Method: "dice", Proxies: d.IntN(3)},
		Sample: mesh.Sample{Requests: d.Float64() * 500, Failed: d.Float64() * 3, Latency: d.histogram()},
	}
	if !s.Proof.Served {
		s.Proof.Lagging = make([]string, d.IntN(20))
	}
	if d.IntN(10) == 0 {
		s.ProofError = errors.New("istiod is down")
	}
	if d.IntN(10) == 0 {
		s.SampleError = errors.New("metrics are down")
	}
	return s
}

// status may be one that no release ever gets into.
func (d dice) status() api.ReleaseStatus {
	s := api.ReleaseStatus{
		Phase: pick(d, "", api.ReleasePreparing, api.ReleaseConnecting, api.ReleaseShifting, api.ReleaseObserving,
			api.ReleaseReturning, api.ReleaseDraining, api.ReleaseRetiring),
		Reason: pick(d, "", ReasonAborted), Message: "so", Step: d.Int32N(5),
	}
	if d.bool() {
		s.Since, s.DrainUntil = micro(d.time()), micro(d.time())
	}
	if d.bool() {
		s.Verdict = &api.Verdict{Result: pick(d, api.VerdictPass, api.VerdictFail), At: *micro(d.time())}
	}
	for range d.IntN(3) {
		r := api.StepRecord{Weight: d.Int32N(101), WantedAt: *micro(d.time())}
		if d.bool() {
			r.VerifiedAt, r.Verdict = micro(d.time()), s.Verdict
		}
		s.Steps = append(s.Steps, r)
	}
	for _, v := range []string{"v1", "v2", "v9"} {
		if d.IntN(4) > 0 {
			s.Wanted = append(s.Wanted, api.VersionWanted{Version: v, Replicas: d.Int32N(5) - 1, Subset: d.bool(), Weight: d.Int32N(200) - 50})
		}
	}
	return s
}

// FuzzAnyStatus: whatever is stored, what comes next is sound, comes again, and leaves the input alone.
func FuzzAnyStatus(f *testing.F) {
	for seed := range uint64(500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := roll(seed)
		spec, status, seen, now := d.spec(), d.status(), d.seen(), d.time()
		specWas, statusWas := spec.DeepCopy(), status.DeepCopy()
		got := Decide(now, spec, status, seen)
		if err := checkWeights(got.Status); err != nil {
			t.Errorf("%s: %v", got.Rule, err)
		}
		if got.Wake <= 0 || got.Wake > restPace || got.Status.Message == "" {
			t.Errorf("%s: wakes in %s and says %q", got.Rule, got.Wake, got.Status.Message)
		}
		if diff := cmp.Diff(*specWas, spec) + cmp.Diff(*statusWas, status); diff != "" {
			t.Errorf("%s: the input was changed: %s", got.Rule, diff)
		}
		if diff := cmp.Diff(got, Decide(now, spec, status, seen)); diff != "" {
			t.Errorf("%s: the second answer differs: %s", got.Rule, diff)
		}
	})
}

// FuzzAnyCourse: whatever happens in whatever order, each promise is kept from the beginning to the end.
func FuzzAnyCourse(f *testing.F) {
	for seed := range uint64(500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := roll(seed)
		spec, now, status := d.spec(), t0, api.ReleaseStatus{}
		for range 300 {
			commands := d.spec()
			spec.Paused, spec.Promote, spec.Abort = commands.Paused, commands.Promote, commands.Abort && d.IntN(10) == 0
			got := Decide(now, spec, status, d.seen())
			if err := Check(now, spec, status, got.Status); err != nil {
				t.Fatalf("rule %q in %s: %v", got.Rule, describe(status), err)
			}
			if got.Status.Phase != status.Phase && status.Phase != "" && rank(got.Status) <= rank(status) {
				t.Fatalf("rule %q goes from %s to %s", got.Rule, describe(status), describe(got.Status))
			}
			status, now = got.Status, now.Add(pick(d, 0, got.Wake, time.Duration(d.IntN(1e10)), time.Hour))
			if status.Phase.Finished() {
				return
			}
		}
	})
}
