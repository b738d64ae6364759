// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/routing"
)

// elsewhere makes another namespace.
func (w *world) elsewhere() string {
	w.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "other-"}}
	if err := w.client.Create(w.ctx, namespace); err != nil {
		w.Fatal(err)
	}
	return namespace.Name
}

// foreignRoute is somebody else's route for reviews.
func (w *world) foreignRoute(namespace string, exportTo ...string) *istionet.VirtualService {
	host := routing.Host(w.namespace, "reviews")
	return &istionet.VirtualService{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "theirs"},
		Spec: networking.VirtualService{
			Hosts: []string{host}, ExportTo: exportTo,
			Http: []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: host}}}}},
		},
	}
}

func (w *world) foreignRule(namespace, host string) *istionet.DestinationRule {
	return &istionet.DestinationRule{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "theirs"},
		Spec:       networking.DestinationRule{Host: host},
	}
}

// routes waits until the application says of its routes what is expected.
func (w *world) routes(status metav1.ConditionStatus, words ...string) api.Application {
	w.Helper()
	var app api.Application
	w.eventually("condition Routes", func() error {
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionRoutes)
		if c == nil || c.Status != status {
			return fmt.Errorf("condition %+v", c)
		}
		for _, word := range words {
			if !strings.Contains(c.Message, word) {
				return fmt.Errorf("%q is not in: %s", word, c.Message)
			}
		}
		return nil
	})
	return app
}

func (w *world) create(obj client.Object) {
	w.Helper()
	if err := w.client.Create(w.ctx, obj); err != nil {
		w.Fatal(err)
	}
}

func (w *world) remove(obj client.Object) {
	w.Helper()
	if err := w.client.Delete(w.ctx, obj); err != nil {
		w.Fatal(err)
	}
}

// untouched fails when the object is another than the one that was made.
func (w *world) untouched(obj client.Object) {
	w.Helper()
	now, _ := obj.DeepCopyObject().(client.Object)
	if err := w.client.Get(w.ctx, client.ObjectKeyFromObject(obj), now); err != nil || now.GetResourceVersion() != obj.GetResourceVersion() {
		w.Errorf("%T %s was touched: version %s, was %s (%v)", obj, obj.GetName(), now.GetResourceVersion(), obj.GetResourceVersion(), err)
	}
}

// TestReleaseWaitsForForeignRoute holds a release back before anything of it is made.
func TestReleaseWaitsForForeignRoute(t *testing.T) {
	for name, made := range map[string]func(w *world) client.Object{
		"a route in another namespace":  func(w *world) client.Object { return w.foreignRoute(w.elsewhere()) },
		"a route for a namespace alone": func(w *world) client.Object { return w.foreignRoute(w.elsewhere(), ".") },
		"a rule in the same namespace":  func(w *world) client.Object { return w.foreignRule(w.namespace, "reviews") },
		"a rule of callers, with a star": func(w *world) client.Object {
			return w.foreignRule(w.elsewhere(), "*."+w.namespace+".svc.cluster.local")
		},
		"a route that has our label on it": func(w *world) client.Object {
			v := w.foreignRoute(w.namespace)
			v.Labels = map[string]string{api.LabelApplication: "shop", api.LabelComponent: "reviews"}
			return v
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.shop(quick())
			w.routes(metav1.ConditionTrue)
			foreign := made(w)
			w.create(foreign)
			kind := strings.TrimPrefix(fmt.Sprintf("%T", foreign), "*v1.")
			w.routes(metav1.ConditionFalse, kind+" "+foreign.GetNamespace()+"/theirs", "kubectl -n "+foreign.GetNamespace()+" delete", "reviews")
			w.set("reviews:v2")
			w.eventually("release line", func() error {
				var app api.Application
				if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
					return err
				}
				if !strings.Contains(app.Status.Release, "reviews v2 waits") || !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionApplied) {
					return fmt.Errorf("release %q, conditions %+v", app.Status.Release, app.Status.Conditions)
				}
				return nil
			})
			if _, err := w.release("reviews-v2"); !apierrors.IsNotFound(err) {
				t.Errorf("the release began (%v)", err)
			}
			w.route(map[string]int32{"v1": 100})
			w.untouched(foreign)
			w.remove(foreign)
			w.phase("reviews-v2", api.ReleasePromoted)
			w.routes(metav1.ConditionTrue)
		})
	}
}

func TestHiddenRouteIsNoConflict(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	w.create(w.foreignRoute(w.elsewhere(), "~"))
	w.create(w.foreignRule(w.elsewhere(), "elsewhere.example"))
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleasePromoted)
	w.routes(metav1.ConditionTrue)
}

// TestForeignRouteHoldsRelease lets one appear in the middle of a release, which stays where it is and goes on afterwards.
func TestForeignRouteHoldsRelease(t *testing.T) {
	w := newWorld(t, nil)
	strategy := quick()
	strategy.Steps[0].Hold.Duration = 2 * time.Second
	w.shop(strategy)
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	foreign := w.foreignRoute(w.elsewhere())
	w.create(foreign)
	var held api.Release
	w.eventually("held", func() (err error) {
		if held, err = w.release("reviews-v2"); err == nil && !strings.Contains(held.Status.Message, "held: VirtualService "+foreign.Namespace+"/theirs") {
			err = errors.New(held.Status.Message)
		}
		return err
	})
	if held.Status.Step != 1 || held.Status.Reason != "" {
		t.Errorf("held in step %d, reason %q", held.Status.Step, held.Status.Reason)
	}
	w.route(map[string]int32{"v1": 90, "v2": 10})
	w.untouched(foreign)
	w.remove(foreign)
	if release := w.phase("reviews-v2", api.ReleasePromoted); len(release.Status.Steps) != 3 {
		t.Errorf("%d steps", len(release.Status.Steps))
	}
}

// TestNothingIsRoutedBesideAForeignRoute begins with a namespace in which somebody routes the host by the very name of ours.
func TestNothingIsRoutedBesideAForeignRoute(t *testing.T) {
	w := newWorld(t, nil)
	foreign := w.foreignRoute(w.namespace)
	foreign.Name = "reviews"
	w.create(foreign)
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}}
	app.Spec.Components = []api.Component{
		{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Uses: []string{"reviews"}},
		{Name: "reviews", Image: "reviews:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Expose: &api.Expose{}},
	}
	w.create(app)
	w.routes(metav1.ConditionFalse, "VirtualService "+w.namespace+"/reviews")
	w.eventually("page is routed", func() error { _, err := w.weights("page"); return err })
	w.eventually("words", func() error {
		if err := w.client.Get(w.ctx, w.key("shop"), app); err != nil {
			return err
		}
		if ready := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionReady); ready == nil || !strings.Contains(ready.Message, "not routed yet") {
			return fmt.Errorf("condition %+v", ready)
		}
		return nil
	})
	for name, obj := range map[string]client.Object{"reviews": &istionet.DestinationRule{}, "shop-gateway": &istionet.VirtualService{}} {
		if err := w.client.Get(w.ctx, w.key(name), obj); !apierrors.IsNotFound(err) {
			t.Errorf("%T %s is there (%v)", obj, name, err)
		}
	}
	w.untouched(foreign)
	w.remove(foreign)
	w.route(map[string]int32{"v1": 100})
	w.routes(metav1.ConditionTrue)
}
