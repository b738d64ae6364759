// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// BenchmarkReleaseWriteToRoute measures the time from the write of a Release, as weir release promote does it, until a watcher
// sees the VirtualService with the weight that follows. Between the two lie three writes, one after the other: the user's, the
// decision's and the route's. What three such writes take that nobody has to think about is measured beside it.
func BenchmarkReleaseWriteToRoute(b *testing.B) {
	w := newWorld(b, nil)
	strategy := quick()
	strategy.Steps[0].Hold.Duration = time.Hour
	w.shop(strategy)
	routes := w.watchRoutes()
	var took, bare []time.Duration
	from := "v1"
	for n := 2; b.Loop(); n++ {
		version := fmt.Sprintf("v%d", n)
		w.set("reviews:" + version)
		w.phase("reviews-"+version, api.ReleaseObserving)
		w.route(map[string]int32{from: 90, version: 10})
		begin := w.promote("reviews-" + version)
		took = append(took, routes.await(b, version).Sub(begin))
		w.phase("reviews-"+version, api.ReleasePromoted)
		bare = append(bare, w.threeWrites(n))
		from = version
	}
	slices.Sort(took)
	slices.Sort(bare)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(bare[len(bare)/2]), "three-writes-p50-ms")
	b.ReportMetric(milliseconds(took[len(took)/2]), "p50-ms")
	b.ReportMetric(milliseconds(took[len(took)*99/100]), "p99-ms")
}

// promote tells the release to go on and returns when that was written.
func (w *world) promote(name string) (begin time.Time) {
	w.Helper()
	w.command(name, func(s *api.ReleaseSpec) { s.Promote, begin = true, time.Now() })
	return begin
}

// threeWrites updates, patches and applies a route that belongs to nobody, and returns how long that took.
func (w *world) threeWrites(n int) time.Duration {
	w.Helper()
	route := &istionet.VirtualService{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "bare"}}
	route.Spec.Hosts, route.Spec.ExportTo = []string{"bare.example"}, []string{"."}
	route.Spec.Http = []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "bare.example"}}}}}
	if err := w.client.Get(w.ctx, client.ObjectKeyFromObject(route), route); apierrors.IsNotFound(err) {
		err = w.client.Create(w.ctx, route)
		if err != nil {
			w.Fatal(err)
		}
	} else if err != nil {
		w.Fatal(err)
	}
	set := func(step int) { route.Spec.Http[0].Timeout = durationpb.New(time.Duration(3*n+step) * time.Second) }
	begin := time.Now()
	set(0)
	err := w.client.Update(w.ctx, route)
	before := route.DeepCopy()
	set(1)
	err = errors.Join(err, w.client.Patch(w.ctx, route, client.MergeFrom(before)))
	applied := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": map[string]any{"namespace": w.namespace, "name": "bare"},
		"spec": map[string]any{"http": []any{map[string]any{"timeout": fmt.Sprintf("%ds", 3*n+2)}}},
	}}
	err = errors.Join(err, w.client.Apply(w.ctx, client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("bench"), client.ForceOwnership))
	if err != nil {
		w.Fatal(err)
	}
	return time.Since(begin)
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
