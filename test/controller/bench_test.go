// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// BenchmarkReleaseWriteToRoute measures the time from the write of a Release, as weir release promote does it, until the
// API server has the VirtualService with the weight that follows.
func BenchmarkReleaseWriteToRoute(b *testing.B) {
	w := newWorld(b, nil)
	strategy := quick()
	strategy.Steps[0].Hold.Duration = time.Hour
	w.shop(strategy)
	routes := w.watchRoutes()
	var took []time.Duration
	from := "v1"
	for n := 2; b.Loop(); n++ {
		version := fmt.Sprintf("v%d", n)
		w.set("reviews:" + version)
		w.phase("reviews-"+version, api.ReleaseObserving)
		w.route(map[string]int32{from: 90, version: 10})
		begin := time.Now()
		w.command("reviews-"+version, func(s *api.ReleaseSpec) { s.Promote = true })
		took = append(took, routes.await(b, version).Sub(begin))
		w.phase("reviews-"+version, api.ReleasePromoted)
		from = version
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(took[len(took)/2]), "p50-ms")
	b.ReportMetric(milliseconds(took[len(took)*99/100]), "p99-ms")
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// arrival is a version that has all the weight, and when that was seen.
type arrival struct {
	version string
	at      time.Time
}

type arrivals chan arrival

// watchRoutes tells of each version that the route of reviews leads to alone.
func (w *world) watchRoutes() arrivals {
	w.Helper()
	watcher, err := client.NewWithWatch(shared, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		w.Fatal(err)
	}
	stream, err := watcher.Watch(w.ctx, &istionet.VirtualServiceList{}, client.InNamespace(w.namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{FieldSelector: "metadata.name=reviews"}})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(stream.Stop)
	out := make(arrivals, 1000)
	go func() {
		for event := range stream.ResultChan() {
			vs, ok := event.Object.(*istionet.VirtualService)
			if !ok || len(vs.Spec.GetHttp()) == 0 || len(vs.Spec.GetHttp()[0].GetRoute()) != 1 {
				continue
			}
			out <- arrival{vs.Spec.GetHttp()[0].GetRoute()[0].GetDestination().GetSubset(), time.Now()}
		}
	}()
	return out
}

func (a arrivals) await(t testing.TB, version string) time.Time {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case seen := <-a:
			if seen.version == version {
				return seen.at
			}
		case <-deadline:
			t.Fatalf("the route never led to %s alone", version)
		}
	}
}
