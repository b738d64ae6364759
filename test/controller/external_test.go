// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"strings"
	"testing"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// deploy makes what Helm would: a Deployment whose pods say what they are.
func (w *world) deploy(name, version string, replicas int32) *appsv1.Deployment {
	w.Helper()
	labels := map[string]string{"app": "reviews", "version": version}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}}}
	d.Spec.Replicas = new(replicas)
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "reviews", Image: "reviews:" + version}}
	w.create(d)
	return d
}

// theirs is a Service as Helm would make it.
func (w *world) theirs(selector map[string]string) *corev1.Service {
	w.Helper()
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "reviews"}}
	s.Spec.Selector = selector
	s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 9080}}
	w.create(s)
	return s
}

// governed is an application that owns nothing of what it consists of.
func (w *world) governed(strategy api.StrategySpec) *api.Application {
	w.Helper()
	w.create(&api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "canary"}, Spec: strategy})
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}}
	app.Spec.Components = []api.Component{{
		Name: "reviews", External: true, Version: "v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Strategy: "canary",
	}}
	w.create(app)
	return app
}

// ask names the version that is to carry the traffic.
func (w *world) ask(version string) {
	w.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		app.Spec.Components[0].Version = version
		return w.client.Update(w.ctx, &app)
	})
	if err != nil {
		w.Fatal(err)
	}
}

// tells waits until the application's components say all of the words, as messages, warnings, or on its release line.
func (w *world) tells(words ...string) {
	w.Helper()
	w.eventually("words", func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		text := app.Status.Release
		for _, c := range app.Status.Components {
			text += "\n" + c.Message + "\n" + strings.Join(c.Warnings, "\n")
		}
		for _, word := range words {
			if !strings.Contains(text, word) {
				return fmt.Errorf("%q is not in: %s", word, text)
			}
		}
		return nil
	})
}

func (w *world) ready() {
	w.Helper()
	w.eventually("ready", func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionReady) {
			return fmt.Errorf("conditions %+v", app.Status.Conditions)
		}
		return nil
	})
}

// unwritten fails when anybody but their owner has written what is somebody else's.
func (w *world) unwritten(objects ...client.Object) {
	w.Helper()
	for _, was := range objects {
		now, _ := was.DeepCopyObject().(client.Object)
		if err := w.client.Get(w.ctx, client.ObjectKeyFromObject(was), now); err != nil {
			w.Errorf("%T %s: %v", was, was.GetName(), err)
			continue
		}
		if now.GetGeneration() != was.GetGeneration() || len(now.GetOwnerReferences()) > 0 || fmt.Sprint(now.GetLabels()) != fmt.Sprint(was.GetLabels()) ||
			fmt.Sprint(now.GetAnnotations()) != fmt.Sprint(was.GetAnnotations()) {
			w.Errorf("%T %s was changed: %+v", was, was.GetName(), now)
		}
		for _, entry := range now.GetManagedFields() {
			if strings.HasPrefix(entry.Manager, api.FieldManager) {
				w.Errorf("%T %s was written by %s", was, was.GetName(), entry.Manager)
			}
		}
	}
}

var apps = map[string]string{"app": "reviews"}

// TestExternalVersionsAreReleased goes from one Deployment of somebody else's to another, and leaves both as they are.
func TestExternalVersionsAreReleased(t *testing.T) {
	w := newWorld(t, nil)
	service, one := w.theirs(apps), w.deploy("reviews-v1", "v1", 2)
	scaler := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "reviews"}}
	scaler.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: new(int32(1)), MaxReplicas: 5, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "reviews-v1"},
	}
	w.create(scaler)
	w.governed(quick())
	w.ready()
	w.route(map[string]int32{"v1": 100})
	w.ask("v2")
	w.tells("reviews v2 waits to be deployed", "app: reviews and version: v2")
	if _, err := w.release("reviews-v2"); !apierrors.IsNotFound(err) {
		t.Errorf("the release began before its version was deployed (%v)", err)
	}
	two := w.deploy("whatever", "v2", 1)
	release := w.phase("reviews-v2", api.ReleasePromoted)
	if len(release.Status.Steps) != 3 {
		t.Errorf("%d steps, want three", len(release.Status.Steps))
	}
	w.route(map[string]int32{"v2": 100})
	w.unwritten(service, one, two, scaler)
	var rule istionet.DestinationRule
	w.eventually("subsets", func() error {
		if err := w.client.Get(w.ctx, w.key("reviews"), &rule); err != nil {
			return err
		}
		if n := len(rule.Spec.Subsets); n != 1 || rule.Spec.Subsets[0].Labels["version"] != "v2" || rule.Spec.Subsets[0].Labels["app"] != "reviews" {
			return fmt.Errorf("%d subsets: %v", n, rule.Spec.Subsets)
		}
		return nil
	})
	for _, made := range []client.ObjectList{&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}} {
		if err := w.client.List(w.ctx, made, client.InNamespace(w.namespace), client.HasLabels{api.LabelApplication}); err != nil || apimeta.LenList(made) > 0 {
			t.Errorf("%d of %T are ours (%v)", apimeta.LenList(made), made, err)
		}
	}
	w.ask("v1") // and back
	w.phase("reviews-v1", api.ReleasePromoted)
	w.route(map[string]int32{"v1": 100})
	w.unwritten(service, one, two, scaler)
}

func TestBadExternalVersionGoesBack(t *testing.T) {
	w := newWorld(t, nil)
	service, one := w.theirs(apps), w.deploy("one", "v1", 1)
	w.governed(quick())
	w.ready()
	two := w.deploy("two", "v2", 3)
	callers.saw(w.namespace, mesh.Sample{Requests: 1000, Failed: 50})
	w.ask("v2")
	w.phase("reviews-v2", api.ReleaseRolledBack)
	w.route(map[string]int32{"v1": 100})
	w.unwritten(service, one, two)
}

// TestNothingIsRoutedBeforeItCanBeServed waits, in words, for what an owner has not done yet.
func TestNothingIsRoutedBeforeItCanBeServed(t *testing.T) {
	w := newWorld(t, nil)
	w.governed(quick())
	w.tells("no Deployment has pods with the labels app: reviews and version: v1")
	one := w.deploy("one", "v1", 1)
	w.tells("there is no Service reviews")
	service := w.theirs(map[string]string{"app": "else"})
	w.tells("Service reviews does not select the pods of Deployment one")
	if _, err := w.weights("reviews"); !apierrors.IsNotFound(err) {
		t.Errorf("it is routed already (%v)", err)
	}
	w.unwritten(service, one)
	service.Spec.Selector = apps
	if err := w.client.Update(w.ctx, service); err != nil {
		t.Fatal(err)
	}
	w.ready()
	w.route(map[string]int32{"v1": 100})
}

func TestExternalWorkloadsStayWhenTheApplicationGoes(t *testing.T) {
	w := newWorld(t, nil)
	service, one := w.theirs(apps), w.deploy("one", "v1", 1)
	app := w.governed(quick())
	w.ready()
	w.route(map[string]int32{"v1": 100})
	w.remove(app)
	w.eventually("gone", func() error {
		if err := w.client.Get(w.ctx, w.key("shop"), &api.Application{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the application is still there (%v)", err)
		}
		if _, err := w.weights("reviews"); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the route is still there (%v)", err)
		}
		return nil
	})
	w.unwritten(service, one)
}
