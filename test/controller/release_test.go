// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// shop is an application of two components whose reviews are released by the strategy named canary.
func (w *world) shop(strategy api.StrategySpec) *api.Application {
	w.Helper()
	canary := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "canary"}, Spec: strategy}
	if err := w.client.Create(w.ctx, canary); err != nil {
		w.Fatal(err)
	}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}}
	app.Spec.Components = []api.Component{
		{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Uses: []string{"reviews"}, Expose: &api.Expose{}},
		{Name: "reviews", Image: "reviews:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Strategy: "canary"},
	}
	if err := w.client.Create(w.ctx, app); err != nil {
		w.Fatal(err)
	}
	w.eventually("shop ready", func() error {
		if err := w.client.Get(w.ctx, w.key("shop"), app); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionReady) {
			return fmt.Errorf("not ready: %+v", app.Status)
		}
		return nil
	})
	return app
}

func quick() api.StrategySpec {
	return api.StrategySpec{
		Steps:    []api.Step{{Weight: 10, Hold: &metav1.Duration{}}, {Weight: 50, Hold: &metav1.Duration{}}},
		Analysis: &api.Analysis{Interval: &metav1.Duration{Duration: time.Second}, MinRequests: 50, SuccessRate: &api.SuccessRate{MinPercent: 99}},
		Drain:    &metav1.Duration{},
	}
}

// set changes the image of reviews.
func (w *world) set(image string) {
	w.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		app.Spec.Components[1].Image = image
		return w.client.Update(w.ctx, &app)
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) command(name string, change func(*api.ReleaseSpec)) {
	w.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		release, err := w.release(name)
		if err != nil {
			return err
		}
		change(&release.Spec)
		return w.client.Update(w.ctx, &release)
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) phase(name string, want api.ReleasePhase) api.Release {
	w.Helper()
	var release api.Release
	w.eventually("release "+name, func() (err error) {
		if release, err = w.release(name); err != nil {
			return err
		}
		if release.Status.Phase != want {
			return fmt.Errorf("phase %s (%s), want %s", release.Status.Phase, release.Status.Message, want)
		}
		return nil
	})
	return release
}

func (w *world) route(want map[string]int32) {
	w.Helper()
	w.eventually("route", func() error {
		got, err := w.weights("reviews")
		if err == nil && !cmp.Equal(want, got) {
			err = fmt.Errorf("weights (-want +got):\n%s", cmp.Diff(want, got))
		}
		return err
	})
}

func TestGoodVersionIsPromoted(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	w.route(map[string]int32{"v1": 100})
	w.set("reviews:v2")
	release := w.phase("reviews-v2", api.ReleasePromoted)
	w.route(map[string]int32{"v2": 100})

	var weights []int32
	for _, s := range release.Status.Steps {
		weights = append(weights, s.Weight)
		if s.VerifiedAt == nil {
			t.Errorf("step %d %% was never verified", s.Weight)
		}
	}
	if diff := cmp.Diff([]int32{10, 50, 100}, weights); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	w.eventually("old version gone", func() error {
		var d appsv1.Deployment
		if err := w.client.Get(w.ctx, w.key("reviews-v1"), &d); !apierrors.IsNotFound(err) {
			return fmt.Errorf("deployment reviews-v1 is still there (%v)", err)
		}
		var rule istionet.DestinationRule
		if err := w.client.Get(w.ctx, w.key("reviews"), &rule); err != nil {
			return err
		}
		if len(rule.Spec.GetSubsets()) != 1 || rule.Spec.GetSubsets()[0].GetName() != "v2" {
			return fmt.Errorf("subsets %v, want v2 alone", rule.Spec.GetSubsets())
		}
		return nil
	})
}

func TestBadVersionGoesBack(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	callers.saw(w.namespace, mesh.Sample{Requests: 1000, Failed: 50})
	w.set("reviews:v2")
	release := w.phase("reviews-v2", api.ReleaseRolledBack)
	w.route(map[string]int32{"v1": 100})
	if release.Status.Verdict == nil || release.Status.Verdict.Result != api.VerdictFail || len(release.Status.Verdict.Evidence) == 0 {
		t.Errorf("verdict %+v, want Fail with evidence", release.Status.Verdict)
	}
	if len(release.Status.Steps) != 1 {
		t.Errorf("%d steps, want the first alone", len(release.Status.Steps))
	}
}

func TestRolledBackVersionIsNotTriedAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	callers.saw(w.namespace, mesh.Sample{Requests: 1000, Failed: 50})
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseRolledBack)
	w.set("reviews:v1")
	callers.saw(w.namespace, mesh.Sample{Requests: 1000})
	w.eventually("application content", func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		if app.Status.ObservedGeneration != app.Generation || app.Status.Release != "" {
			return fmt.Errorf("status %+v", app.Status)
		}
		return nil
	})
	var releases api.ReleaseList
	if err := w.client.List(w.ctx, &releases, client.InNamespace(w.namespace)); err != nil {
		t.Fatal(err)
	}
	if len(releases.Items) != 1 {
		t.Errorf("%d releases, want one", len(releases.Items))
	}
}

func TestRetryTriesTheSameVersionOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	callers.saw(w.namespace, mesh.Sample{Requests: 1000, Failed: 50})
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseRolledBack)
	w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Retry = true })
	w.phase("reviews-v2-2", api.ReleaseRolledBack)
	callers.saw(w.namespace, mesh.Sample{Requests: 1000})
	w.command("reviews-v2-2", func(s *api.ReleaseSpec) { s.Retry = true })
	release := w.phase("reviews-v2-3", api.ReleasePromoted)
	if release.Spec.From != "v1" || release.Spec.To != "v2" || len(release.Status.Steps) != 3 {
		t.Errorf("from %s to %s in %d steps", release.Spec.From, release.Spec.To, len(release.Status.Steps))
	}
	w.route(map[string]int32{"v2": 100})
	var releases api.ReleaseList
	if err := w.client.List(w.ctx, &releases, client.InNamespace(w.namespace)); err != nil || len(releases.Items) != 3 {
		t.Errorf("%d releases, want 3 (%v)", len(releases.Items), err)
	}
}

func TestImageThatCannotBePulledTouchesNothing(t *testing.T) {
	w := newWorld(t, func(version string) bool { return version != "none" })
	strategy := quick()
	strategy.ReadyDeadline = &metav1.Duration{Duration: 2 * time.Second}
	w.shop(strategy)
	w.set("reviews:none")
	w.eventually("words", func() error {
		release, err := w.release("reviews-none")
		if err == nil && !strings.Contains(release.Status.Message, "cannot be pulled") {
			err = fmt.Errorf("message %q", release.Status.Message)
		}
		return err
	})
	w.route(map[string]int32{"v1": 100})
	release := w.phase("reviews-none", api.ReleaseRolledBack)
	if release.Status.Reason != "NotReady" || len(release.Status.Steps) != 0 {
		t.Errorf("reason %q after %d steps, want NotReady before any", release.Status.Reason, len(release.Status.Steps))
	}
	w.route(map[string]int32{"v1": 100})
}

func TestWeightWaitsForCallers(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	callers.hold(w.namespace, true)
	w.set("reviews:v2")
	release := w.phase("reviews-v2", api.ReleaseConnecting)
	w.route(map[string]int32{"v1": 100})
	w.eventually("lagging caller named", func() error {
		var err error
		if release, err = w.release("reviews-v2"); err != nil {
			return err
		}
		if apimeta.IsStatusConditionFalse(release.Status.Conditions, api.ConditionVerified) {
			return nil
		}
		return fmt.Errorf("conditions %+v", release.Status.Conditions)
	})
	callers.hold(w.namespace, false)
	w.phase("reviews-v2", api.ReleasePromoted)
}

func TestNewerVersionSupersedes(t *testing.T) {
	w := newWorld(t, nil)
	strategy := quick()
	strategy.Steps[0].Hold.Duration = time.Hour
	w.shop(strategy)
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	w.set("reviews:v3")
	first := w.phase("reviews-v2", api.ReleaseRolledBack)
	if first.Status.Reason != "Superseded" {
		t.Errorf("reason %q, want Superseded", first.Status.Reason)
	}
	second := w.phase("reviews-v3", api.ReleaseObserving)
	if second.Spec.From != "v1" {
		t.Errorf("v3 follows %s, want v1", second.Spec.From)
	}
	w.route(map[string]int32{"v1": 90, "v3": 10})
}

func TestDamagedRouteIsMended(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	var vs istionet.VirtualService
	if err := w.client.Get(w.ctx, w.key("reviews"), &vs); err != nil {
		t.Fatal(err)
	}
	vs.Spec.Http[0].Route[0].Destination.Subset = "nowhere"
	if err := w.client.Update(w.ctx, &vs); err != nil {
		t.Fatal(err)
	}
	w.route(map[string]int32{"v1": 100})
	if err := w.client.Delete(w.ctx, &vs); err != nil {
		t.Fatal(err)
	}
	w.route(map[string]int32{"v1": 100})
}

func TestForeignObjectIsNotTakenOver(t *testing.T) {
	w := newWorld(t, nil)
	foreign := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "page", Labels: map[string]string{"whose": "mine"}}}
	foreign.Spec.Ports = []corev1.ServicePort{{Port: 1}}
	if err := w.client.Create(w.ctx, foreign); err != nil {
		t.Fatal(err)
	}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}}
	app.Spec.Components = []api.Component{{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 80}}}}
	if err := w.client.Create(w.ctx, app); err != nil {
		t.Fatal(err)
	}
	w.eventually("refusal", func() error {
		if err := w.client.Get(w.ctx, w.key("shop"), app); err != nil {
			return err
		}
		applied := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionApplied)
		if applied == nil || applied.Status != metav1.ConditionFalse || !strings.Contains(applied.Message, "not part of this application") {
			return fmt.Errorf("condition %+v", applied)
		}
		return nil
	})
	if err := w.client.Get(w.ctx, w.key("page"), foreign); err != nil || foreign.Spec.Ports[0].Port != 1 {
		t.Errorf("the foreign service was changed: %+v, %v", foreign.Spec.Ports, err)
	}
}

func TestRemovedComponentTakesItsObjectsAlong(t *testing.T) {
	w := newWorld(t, nil)
	app := w.shop(quick())
	app.Spec.Components = slices.Delete(app.Spec.Components, 1, 2)
	app.Spec.Components[0].Uses = nil
	if err := w.client.Update(w.ctx, app); err != nil {
		t.Fatal(err)
	}
	for _, obj := range []client.Object{&istionet.VirtualService{}, &istionet.DestinationRule{}, &corev1.Service{}, &corev1.ServiceAccount{}} {
		w.eventually(fmt.Sprintf("%T gone", obj), func() error {
			if err := w.client.Get(w.ctx, w.key("reviews"), obj); !apierrors.IsNotFound(err) {
				return fmt.Errorf("still there (%v)", err)
			}
			return nil
		})
	}
}

// TestIdleWritesNothing looks for writes over a stretch in which nothing changes.
func TestIdleWritesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	quiet := func() bool { // two seconds without a write
		before := writes.Load()
		err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Second, false, func(context.Context) (bool, error) {
			return writes.Load() != before, nil
		})
		return wait.Interrupted(err)
	}
	for range 5 {
		if quiet() {
			return
		}
	}
	t.Errorf("the controllers went on writing with nothing to do: %d writes in all", writes.Load())
}
