// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// BenchmarkPropagation measures, with twenty proxies that call ratings, the time from the decision over a weight, which is
// written next, until each of them was seen to serve it; and how long the way back of a bad version takes, from the
// verdict until no proxy sends it anything.
func BenchmarkPropagation(b *testing.B) {
	s := newShop(b)
	s.callers(19) // and the gateway
	for b.Loop() {
		var took []time.Duration
		for range 3 {
			for _, step := range s.climb() {
				if step.VerifiedAt != nil {
					took = append(took, step.VerifiedAt.Sub(step.WantedAt.Time))
				}
			}
		}
		slices.Sort(took)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(seconds(took[len(took)/2]), "p50-s")
		b.ReportMetric(seconds(took[len(took)*99/100]), "p99-s")
		b.ReportMetric(float64(len(took)), "steps")
		b.ReportMetric(seconds(s.bad()), "back-s")
	}
}

func seconds(d time.Duration) float64 { return d.Seconds() }

// callers has as many pods call ratings.
func (s *shop) callers(n int32) {
	s.Helper()
	s.editAt(0, func(c *api.Component) { c.Replicas = &n })
	s.eventually("the callers", func() error {
		var pods corev1.PodList
		err := s.client.List(s.ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{api.LabelComponent: "reviews"})
		if err != nil {
			return err
		}
		return allReady(pods.Items, int(n))
	})
}

// climb releases a version in many short steps and returns their record.
func (s *shop) climb() []api.StepRecord {
	s.Helper()
	var spec api.StrategySpec
	for weight := int32(5); weight <= 95; weight += 5 {
		spec.Steps = append(spec.Steps, api.Step{Weight: weight, Hold: &metav1.Duration{Duration: 200 * time.Millisecond}})
	}
	s.strategy(spec)
	name := s.next()
	s.ends(name, api.ReleasePromoted)
	return s.await(name, func(api.ReleaseStatus) bool { return true }).Status.Steps
}

// bad releases a version of whose answers 5 % are errors, with 200 requests a second, and returns how long it takes from the
// verdict until no proxy sends it any.
func (s *shop) bad() time.Duration {
	s.Helper()
	s.strategy(api.StrategySpec{
		Steps: []api.Step{{Weight: 10}},
		Analysis: &api.Analysis{
			Interval: &metav1.Duration{Duration: time.Second}, SuccessRate: &api.SuccessRate{MinPercent: 99}, MinRequests: 50,
		},
	})
	traffic := s.traffic()
	defer traffic.stop()
	name := s.next("--error-rate", "0.05")
	returning := s.await(name, func(status api.ReleaseStatus) bool { return status.Phase == api.ReleaseReturning }).Status.Since
	left := s.await(name, func(status api.ReleaseStatus) bool { return status.Phase != api.ReleaseReturning }).Status.Since
	s.ends(name, api.ReleaseRolledBack)
	return left.Sub(returning.Time)
}
