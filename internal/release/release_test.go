// SPDX-License-Identifier: Apache-2.0

package release

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func dur(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func TestDecideGoesAllTheWay(t *testing.T) {
	spec := api.ReleaseSpec{From: "v1", To: "v2", Strategy: api.StrategySpec{
		Steps:    []api.Step{{Weight: 10}, {Weight: 50}},
		Analysis: &api.Analysis{SuccessRate: &api.SuccessRate{MinPercent: 99}},
	}}
	seen := Seen{
		Replicas: 2, Desired: "v2",
		From:   Pods{Replicas: 2, Ready: 2, Available: true, Present: 2},
		To:     Pods{Replicas: 2, Ready: 2, Available: true, Present: 2},
		Proof:  mesh.Proof{Served: true, Method: "test", Proxies: 3},
		Sample: mesh.Sample{Requests: 800, Failed: 1},
	}
	now, status := t0, api.ReleaseStatus{}
	for i := 0; i < 1000 && !status.Phase.Finished(); i++ {
		d := Decide(now, spec, status, seen)
		if err := Check(now, spec, status, d.Status); err != nil {
			t.Fatal(err)
		}
		if d.Status.Phase != status.Phase {
			t.Logf("%6s %-12s %-20s %s", now.Sub(t0), d.Status.Phase, d.Rule, d.Status.Message)
		}
		if d.Status.Phase == api.ReleaseRetiring {
			seen.From = Pods{}
		}
		status, now = d.Status, now.Add(d.Wake)
	}
	if status.Phase != api.ReleasePromoted || status.Step != 3 {
		t.Fatalf("want promoted after 3 steps, got %s after %d: %s", status.Phase, status.Step, status.Message)
	}
}
