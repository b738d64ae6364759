// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	istio "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/lookup"
	"weir.dev/weir/internal/release"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// sticky is a release of reviews that keeps users with the version that answered them.
func sticky() api.ReleaseSpec {
	hold := &metav1.Duration{Duration: time.Hour}
	return api.ReleaseSpec{Component: "reviews", From: "v1", To: "v2", Strategy: api.StrategySpec{
		Steps: []api.Step{{Weight: 10, Hold: hold}, {Weight: 50, Hold: hold}}, Sticky: &api.Sticky{}, Drain: &metav1.Duration{},
	}}
}

// play takes the release on, in a world where all goes well, until it is so.
func play(t *testing.T, now time.Time, spec api.ReleaseSpec, s api.ReleaseStatus, until func(api.ReleaseStatus) bool) api.ReleaseStatus {
	t.Helper()
	pods := release.Pods{Replicas: 2, Ready: 2, Available: true, Present: 2}
	for range 100 {
		if until(s) {
			return s
		}
		seen := release.Seen{Replicas: 2, From: pods, To: pods, Proof: mesh.Proof{Served: true, Method: "test"}}
		if s.Phase == api.ReleaseRetiring {
			seen.From, seen.To = release.Pods{}, release.Pods{}
		}
		d := release.Decide(now, spec, s, seen)
		s, now = d.Status, now.Add(d.Wake)
	}
	t.Fatalf("%s at step %d: %s", s.Phase, s.Step, s.Message)
	return s
}

func observes(step int32) func(api.ReleaseStatus) bool {
	return func(s api.ReleaseStatus) bool { return s.Phase == api.ReleaseObserving && s.Step == step }
}

// goes is where a request with the cookie goes by the routes that the status asks for, and the cookies the answers set.
func goes(t *testing.T, s api.ReleaseStatus, cookie string) (versions string, cookies map[string]string) {
	t.Helper()
	c := api.Component{Name: "reviews", Image: "reviews:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop"}}
	objects, err := plan.Objects(plan.Input{Application: app, Components: []plan.Component{{
		Spec: c, Wanted: s.Wanted, Versions: map[string]api.Component{"v1": c, "v2": c},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	r := lookup.Request{Host: "reviews.shop.svc.cluster.local", Headers: map[string]string{"cookie": cookie}}
	var services []*istio.VirtualService
	for _, o := range objects {
		if vs, ok := o.(*istio.VirtualService); ok {
			services = append(services, vs)
		}
	}
	var words []string
	cookies = map[string]string{}
	for _, share := range lookup.Of(r, services).Shares {
		words = append(words, fmt.Sprintf("%s %g %%", share.Version, share.Percent))
		cookies[share.Version] = share.Cookie
	}
	return strings.Join(words, ", "), cookies
}

func TestCohortsAreThoseOfOneAttempt(t *testing.T) {
	spec := sticky()
	at10 := play(t, noon, spec, api.ReleaseStatus{}, observes(1))
	split, first := goes(t, at10, "")
	if want := "v1 90 %, v2 10 %"; split != want {
		t.Fatalf("at 10: %s, want %s", split, want)
	}
	expect := func(when string, s api.ReleaseStatus, cookie, want string) {
		t.Helper()
		if got, _ := goes(t, s, cookie); got != want {
			t.Errorf("%s, with the cookie %s: %s, want %s", when, cookie, got, want)
		}
	}
	expect("at 10", at10, first["v2"], "v2 100 %")
	expect("at 10", at10, first["v1"], "v1 100 %")
	at50 := play(t, noon.Add(time.Hour), spec, at10, observes(2))
	expect("at 50", at50, first["v2"], "v2 100 %")
	expect("at 50", at50, first["v1"], "v1 56 %, v2 44 %")

	aborted := spec
	aborted.Abort = true
	returning := play(t, noon.Add(2*time.Hour), aborted, at50, func(s api.ReleaseStatus) bool { return s.Phase == api.ReleaseReturning })
	expect("on the way back", returning, first["v2"], "v1 100 %")
	back := play(t, noon.Add(2*time.Hour), aborted, returning, func(s api.ReleaseStatus) bool { return s.Phase.Finished() })
	expect("rolled back", back, first["v2"], "v1 100 %")

	again := play(t, noon.Add(3*time.Hour), spec, api.ReleaseStatus{}, observes(1))
	expect("tried again", again, first["v2"], "v1 90 %, v2 10 %")
	expect("tried again", again, first["v1"], "v1 90 %, v2 10 %")
	if _, second := goes(t, again, ""); second["v2"] == first["v2"] || second["v1"] == first["v1"] {
		t.Errorf("the cookies of both attempts are alike: %v, %v", first, second)
	}
	promoted := play(t, noon.Add(4*time.Hour), spec, again, func(s api.ReleaseStatus) bool { return s.Phase.Finished() })
	expect("promoted", promoted, first["v1"], "v2 100 %")
}
