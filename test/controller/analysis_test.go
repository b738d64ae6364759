// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// TestMetricsOfOnesOwn: a server that cannot be entered holds the release, which goes on as soon as it can be. The query
// is asked with the names of the release in it.
func TestMetricsOfOnesOwn(t *testing.T) {
	w := newWorld(t, nil)
	strategy := quick()
	strategy.Analysis.Server = &api.MetricsServer{URL: "https://metrics.example", Secret: "metrics"}
	strategy.Analysis.Metrics = []api.Metric{{
		Name: "orders-lost", Query: `sum(increase(lost_total{app="$(component)",version="$(to)"}[$(window)]))`, Max: new(0.0),
	}}
	w.shop(strategy)
	callers.saw(w.namespace, mesh.Sample{Requests: 1000, Values: map[string]mesh.Value{"orders-lost": {}}})
	w.set("reviews:v2")

	w.holds("reviews-v2", api.VerdictError, `there is no Secret "metrics" in the namespace `+w.namespace)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "metrics"}, Data: map[string][]byte{"word": []byte("abc")}}
	if err := w.client.Create(w.ctx, secret); err != nil {
		t.Fatal(err)
	}
	w.holds("reviews-v2", api.VerdictError, "holds none of token, username and password, and ca.crt")
	secret.Data = map[string][]byte{"token": []byte("abc"), "ca.crt": []byte("PEM")}
	if err := w.client.Update(w.ctx, secret); err != nil {
		t.Fatal(err)
	}
	w.phase("reviews-v2", api.ReleasePromoted)

	asked := callers.window(w.namespace)
	if diff := cmp.Diff(&mesh.Server{URL: "https://metrics.example", Token: "abc", CA: "PEM"}, asked.Server); diff != "" {
		t.Errorf("server (-want +got):\n%s", diff)
	}
	if got, want := asked.Queries["orders-lost"], `sum(increase(lost_total{app="reviews",version="v2"}[`; !strings.HasPrefix(got, want) {
		t.Errorf("asked %s, want %s…", got, want)
	}
}

// holds waits until the release stays at its first step because of a verdict that says so.
func (w *world) holds(name string, want api.VerdictResult, words string) {
	w.Helper()
	w.eventually("release "+name+" held", func() error {
		release, err := w.release(name)
		if err != nil {
			return err
		}
		s := release.Status
		if s.Phase != api.ReleaseObserving || s.Step != 1 || s.Verdict == nil || s.Verdict.Result != want || !strings.Contains(s.Verdict.Message, words) {
			return fmt.Errorf("%s at step %d, verdict %+v, want %s that says %q", s.Phase, s.Step, s.Verdict, want, words)
		}
		return nil
	})
}
