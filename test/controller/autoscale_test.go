// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// scales does what the autoscaler of that name does when the load asks for so many pods.
func (w *world) scales(name string, count int32) {
	w.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var h autoscalingv2.HorizontalPodAutoscaler
		if err := w.client.Get(w.ctx, w.key(name), &h); err != nil {
			return err
		}
		h.Status.DesiredReplicas = count
		if err := w.client.Status().Update(w.ctx, &h); err != nil {
			return err
		}
		var d appsv1.Deployment
		if err := w.client.Get(w.ctx, w.key(h.Spec.ScaleTargetRef.Name), &d); err != nil {
			return err
		}
		scale := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name}, Spec: autoscalingv1.ScaleSpec{Replicas: count}}
		return w.client.SubResource("scale").Update(w.ctx, &d, client.WithSubResourceBody(scale), client.FieldOwner("kube-controller-manager"))
	})
	if err != nil {
		w.Fatal(err)
	}
}

// told waits until the Deployment is told to have so many.
func (w *world) told(deployment string, want int32) {
	w.Helper()
	w.eventually("pods of "+deployment, func() error {
		var d appsv1.Deployment
		if err := w.client.Get(w.ctx, w.key(deployment), &d); err != nil {
			return err
		}
		if got := ptr.Deref(d.Spec.Replicas, 0); got != want {
			return fmt.Errorf("%d pods, want %d", got, want)
		}
		return nil
	})
}

// bounds waits until the autoscaler has at least and at most so many pods.
func (w *world) bounds(name string, least, most int32) {
	w.Helper()
	w.eventually("autoscaler "+name, func() error {
		var h autoscalingv2.HorizontalPodAutoscaler
		if err := w.client.Get(w.ctx, w.key(name), &h); err != nil {
			return err
		}
		if ptr.Deref(h.Spec.MinReplicas, 1) != least || h.Spec.MaxReplicas != most {
			return fmt.Errorf("from %d to %d pods, want from %d to %d", ptr.Deref(h.Spec.MinReplicas, 1), h.Spec.MaxReplicas, least, most)
		}
		return nil
	})
}

// fewest follows the Deployment and returns the fewest pods it was told to have since.
func (w *world) fewest(deployment string) func() int32 {
	w.Helper()
	watcher, err := client.NewWithWatch(shared, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		w.Fatal(err)
	}
	stream, err := watcher.Watch(w.ctx, &appsv1.DeploymentList{}, client.InNamespace(w.namespace))
	if err != nil {
		w.Fatal(err)
	}
	seen := make(chan int32, 1000)
	go func() {
		defer close(seen)
		for e := range stream.ResultChan() {
			if d, ok := e.Object.(*appsv1.Deployment); ok && d.Name == deployment && d.DeletionTimestamp == nil {
				seen <- ptr.Deref(d.Spec.Replicas, 0)
			}
		}
	}()
	return func() int32 {
		stream.Stop()
		least := int32(1 << 20)
		for n := range seen {
			least = min(least, n)
		}
		return least
	}
}

func TestReceiverHasThePodsOfTheLoad(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(held())
	w.change("shop", func(s *api.ApplicationSpec) {
		s.Components[1].Autoscale = &api.Autoscale{Min: ptr.To[int32](2), Max: 9, CPU: ptr.To[int32](70)}
	})
	w.bounds("reviews-v1", 2, 9)
	w.told("reviews-v1", 2)
	w.scales("reviews-v1", 5)
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Replicas = ptr.To[int32](3) }) // nobody looks at it
	least := w.fewest("reviews-v1")
	w.set("reviews:v2")
	release := w.phase("reviews-v2", api.ReleaseObserving)
	w.told("reviews-v2", 5)
	if i := slices.IndexFunc(release.Status.Wanted, func(v api.VersionWanted) bool { return v.Replicas != 5 }); i >= 0 {
		t.Errorf("wanted %+v, want 5 pods each", release.Status.Wanted)
	}
	// What each of them got for the release, its autoscaler does not take away.
	w.bounds("reviews-v1", 5, 9)
	w.bounds("reviews-v2", 5, 9)
	// The load grows, and the autoscaler of either sees it: both have the pods for it, also for the way back.
	w.scales("reviews-v2", 7)
	w.told("reviews-v1", 7)
	w.bounds("reviews-v1", 7, 9)
	w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Promote = true })
	w.phase("reviews-v2", api.ReleasePromoted)
	w.bounds("reviews-v2", 2, 9)
	w.told("reviews-v2", 7)
	if n := least(); n != 5 {
		t.Errorf("reviews-v1 was told to have %d pods", n)
	}
	w.eventually("autoscaler of the old version gone", func() error {
		err := w.client.Get(w.ctx, w.key("reviews-v1"), &autoscalingv2.HorizontalPodAutoscaler{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is there (%v)", err)
		}
		return nil
	})
}

func TestAutoscaleThatIsTurnedOnTakesNoPodAway(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Replicas = ptr.To[int32](4) })
	w.told("reviews-v1", 4)
	least := w.fewest("reviews-v1")
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Autoscale = &api.Autoscale{Max: 9} })
	w.bounds("reviews-v1", 1, 9)
	w.scales("reviews-v1", 6)
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Autoscale.Max = 8 })
	w.bounds("reviews-v1", 1, 8)
	w.told("reviews-v1", 6)
	if n := least(); n != 4 {
		t.Errorf("it was told to have %d pods", n)
	}
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Autoscale = nil })
	w.told("reviews-v1", 4)
}

// autoscaler is a user's own.
func (w *world) autoscaler(name, deployment string) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: deployment},
			MaxReplicas:    8,
		},
	}
}

func TestAutoscalerOfSomebodyElseIsNotFought(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(held())
	for _, name := range []string{"v1", "v2"} {
		if err := w.client.Create(w.ctx, w.autoscaler("mine-"+name, "reviews-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	w.eventually("warning", func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		if all := strings.Join(app.Status.Components[1].Warnings, " "); !strings.Contains(all, "HorizontalPodAutoscaler mine-v1 counts the pods of v1 alone") {
			return fmt.Errorf("warnings %q", all)
		}
		return nil
	})
	w.scales("mine-v1", 6)
	least := w.fewest("reviews-v1")
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Replicas = ptr.To[int32](2) })
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	w.told("reviews-v2", 6)
	w.bounds("mine-v1", 6, 8)
	w.bounds("mine-v2", 6, 8)
	w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Abort = true })
	w.phase("reviews-v2", api.ReleaseRolledBack)
	w.bounds("mine-v1", 1, 8)
	if n := least(); n != 6 {
		t.Errorf("reviews-v1 was told to have %d pods", n)
	}
	var h autoscalingv2.HorizontalPodAutoscaler
	if err := w.client.Get(w.ctx, w.key("mine-v1"), &h); err != nil || len(h.Annotations) > 0 {
		t.Errorf("annotations %v (%v), want it as it was", h.Annotations, err)
	}
}

// scaledObjects lets the API server know KEDA's kind, without KEDA.
func scaledObjects(t *testing.T) {
	t.Helper()
	definition := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "scaledobjects.keda.sh"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "keda.sh", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "scaledobjects", Singular: "scaledobject", Kind: "ScaledObject", ListKind: "ScaledObjectList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1alpha1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{
					OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)},
				},
			}},
		},
	}
	if _, err := apiextensions.NewForConfigOrDie(shared).ApiextensionsV1().CustomResourceDefinitions().Create(t.Context(), definition, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestFloorOfKEDAsAutoscalerIsHeldInItsScaledObject(t *testing.T) {
	scaledObjects(t)
	w := newWorld(t, nil)
	w.shop(held())
	scaled := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
		"metadata": map[string]any{"namespace": w.namespace, "name": "mine"},
		"spec":     map[string]any{"scaleTargetRef": map[string]any{"name": "reviews-v1"}, "minReplicaCount": int64(2)},
	}}
	w.eventually("ScaledObject", func() error { return w.client.Create(w.ctx, scaled) })
	h := w.autoscaler("keda-hpa-mine", "reviews-v1")
	h.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject", Name: "mine", UID: scaled.GetUID(), Controller: ptr.To(true),
	}}
	if err := w.client.Create(w.ctx, h); err != nil {
		t.Fatal(err)
	}
	w.scales("keda-hpa-mine", 4)
	count := func(want int64) {
		t.Helper()
		w.eventually("minReplicaCount", func() error {
			if err := w.client.Get(w.ctx, w.key("mine"), scaled); err != nil {
				return err
			}
			if got, _, _ := unstructured.NestedInt64(scaled.Object, "spec", "minReplicaCount"); got != want {
				return fmt.Errorf("%d, want %d", got, want)
			}
			return nil
		})
	}
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	w.told("reviews-v2", 4)
	count(4)
	begin := time.Now()
	w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Abort = true })
	w.phase("reviews-v2", api.ReleaseRolledBack)
	count(2)
	if _, held := scaled.GetAnnotations()["weir.dev/floor-was"]; held || time.Since(begin) > 30*time.Second {
		t.Errorf("annotations %v after %s", scaled.GetAnnotations(), time.Since(begin))
	}
	w.bounds("keda-hpa-mine", 1, 8)
}
