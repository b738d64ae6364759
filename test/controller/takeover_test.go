// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// foreign is what somebody else runs: a page of two pods with a Service, routes and a way in.
func (w *world) foreign() []client.Object {
	meta := metav1.ObjectMeta{Namespace: w.namespace, Name: "page", Labels: map[string]string{"team": "red"}}
	pods := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "page", "version": "v1", "team": "red"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "page", Image: "page:v1"}}},
	}
	d := &appsv1.Deployment{ObjectMeta: *meta.DeepCopy(), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "page", "version": "v1"}}, Template: pods,
	}}
	d.Name = "page-v1"
	gateway := &istionet.Gateway{ObjectMeta: *meta.DeepCopy(), Spec: networking.Gateway{
		Selector: map[string]string{"istio": "ingressgateway"},
		Servers:  []*networking.Server{{Hosts: []string{"*"}, Port: &networking.Port{Name: "http", Number: 80, Protocol: "HTTP"}}},
	}}
	in := &istionet.VirtualService{ObjectMeta: *meta.DeepCopy(), Spec: networking.VirtualService{
		Hosts: []string{"*"}, Gateways: []string{"page"},
		Http: []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "page"}}}}},
	}}
	in.Name = "way-in"
	rule := &istionet.DestinationRule{ObjectMeta: *meta.DeepCopy(), Spec: networking.DestinationRule{
		Host: "page", Subsets: []*networking.Subset{{Name: "v1", Labels: map[string]string{"version": "v1"}}},
	}}
	rule.Name = "old-rule"
	return []client.Object{
		&corev1.ServiceAccount{ObjectMeta: *meta.DeepCopy()}, d,
		&corev1.Service{ObjectMeta: *meta.DeepCopy(), Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "page"}, Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}},
		}},
		rule, in, gateway,
	}
}

// bones are the parts of the object that its owner wrote.
func bones(t *testing.T, o client.Object) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "status")
	delete(fields, "kind")
	delete(fields, "apiVersion")
	meta := fields["metadata"].(map[string]any)
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "annotations"} {
		delete(meta, field)
	}
	text, err = json.MarshalIndent(fields, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// patiently waits longer than others do: routes are given time to settle.
func (w *world) patiently(what string, check func() error) {
	w.Helper()
	var last error
	err := wait.PollUntilContextTimeout(w.ctx, 50*time.Millisecond, 90*time.Second, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		w.Fatalf("%s: %v", what, last)
	}
}

func (w *world) exists(o client.Object) bool {
	fresh := o.DeepCopyObject().(client.Object)
	err := w.client.Get(w.ctx, client.ObjectKeyFromObject(o), fresh)
	if err != nil && !apierrors.IsNotFound(err) {
		w.Fatal(err)
	}
	return err == nil
}

// always watches that the page's Service leads to a ready pod, until stop.
func (w *world) always(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			var s corev1.Service
			var pods corev1.PodList
			if w.client.Get(ctx, w.key("page"), &s) != nil || w.client.List(ctx, &pods, client.InNamespace(w.namespace), client.MatchingLabels(s.Spec.Selector)) != nil {
				continue
			}
			ready := 0
			for _, p := range pods.Items {
				for _, c := range p.Status.Conditions {
					if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
						ready++
					}
				}
			}
			if ready == 0 && ctx.Err() == nil {
				t.Errorf("the Service leads to nobody: selector %v, %d pods", s.Spec.Selector, len(pods.Items))
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return func() { cancel(); <-done }
}

func TestTakeOverAndGiveBack(t *testing.T) {
	w := newWorld(t, nil)
	objects := w.foreign()
	before := map[string]string{}
	for _, o := range objects {
		if err := w.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		before[fmt.Sprintf("%T", o)] = bones(t, o)
	}
	w.eventually("the old pods are ready", func() error {
		var pods corev1.PodList
		if err := w.client.List(t.Context(), &pods, client.InNamespace(w.namespace)); err != nil || len(pods.Items) != 2 || pods.Items[1].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%d pods, %w", len(pods.Items), err)
		}
		return nil
	})
	stop := w.always(t)
	defer stop()
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}, Spec: api.ApplicationSpec{
		TakesOver: []api.Taken{
			{Kind: "Deployment", Name: "page-v1"}, {Kind: "Service", Name: "page"}, {Kind: "ServiceAccount", Name: "page"}, {Kind: "DestinationRule", Name: "old-rule"},
			{Kind: "VirtualService", Name: "way-in"}, {Kind: "Gateway", Name: "page"}, {Kind: "Gateway", Name: "never-was"},
		},
		Components: []api.Component{{
			Name: "page", Image: "page:v1", Version: "v1-weir", Replicas: ptr.To[int32](2), Ports: []api.Port{{Port: 80, Target: 8080}}, Expose: &api.Expose{},
		}},
	}}
	if err := w.client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.patiently("all is taken over", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionTakenOver) {
			return fmt.Errorf("%+v", app.Status.Conditions)
		}
		return nil
	})
	var s corev1.Service
	if err := w.client.Get(t.Context(), w.key("page"), &s); err != nil || !metav1.IsControlledBy(&s, app) || s.Spec.Selector[api.LabelApplication] != "shop" {
		t.Errorf("the Service is not the application's: %+v, %v", s, err)
	}
	var d appsv1.Deployment
	if err := w.client.Get(t.Context(), w.key("page-v1"), &d); err != nil || *d.Spec.Replicas != 0 {
		t.Errorf("the old pods are there: %v, %v", d.Spec.Replicas, err)
	}
	for _, o := range objects[3:] {
		if w.exists(o) {
			t.Errorf("%T %s is there", o, o.GetName())
		}
	}

	if err := w.client.Delete(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.patiently("the application is gone", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); !apierrors.IsNotFound(err) {
			return fmt.Errorf("%+v, %w", app.Status.Conditions, err)
		}
		return nil
	})
	stop()
	for _, o := range objects {
		if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(before[fmt.Sprintf("%T", o)], bones(t, o)); diff != "" {
			t.Errorf("%T is not as it was (-before +after):\n%s", o, diff)
		}
	}
	var left corev1.PodList
	if err := w.client.List(t.Context(), &left, client.InNamespace(w.namespace), client.HasLabels{api.LabelApplication}); err != nil || len(left.Items) > 0 {
		t.Errorf("%d pods of the application are left, %v", len(left.Items), err)
	}
}

func TestWithoutConsentNothingIsTaken(t *testing.T) {
	w := newWorld(t, nil)
	for _, o := range w.foreign() {
		if err := w.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}, Spec: api.ApplicationSpec{
		Components: []api.Component{{Name: "page", Image: "page:v1", Version: "v1-weir", Ports: []api.Port{{Port: 80}}}},
	}}
	if err := w.client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.eventually("it is refused by name", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); err != nil {
			return err
		}
		c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionApplied)
		if c == nil || c.Status != metav1.ConditionFalse || !strings.Contains(c.Message, "exists already and is not part of this application") {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
}
