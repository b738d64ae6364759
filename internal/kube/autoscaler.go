// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// floorAnnotation remembers the fewest pods of somebody else's autoscaler while Weir holds it at more.
const floorAnnotation = "weir.dev/floor-was"

// scaledObject is KEDA's kind; KEDA makes a HorizontalPodAutoscaler from it, and keeps that as it says.
var scaledObject = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}

// Autoscalers returns the HorizontalPodAutoscalers of Deployments in the namespace, by the Deployment's name; the first by
// name where there are two.
func Autoscalers(ctx context.Context, c client.Reader, namespace string) (map[string]*autoscalingv2.HorizontalPodAutoscaler, error) {
	var list autoscalingv2.HorizontalPodAutoscalerList
	if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list autoscalers: %w", err)
	}
	out := map[string]*autoscalingv2.HorizontalPodAutoscaler{}
	for i := range list.Items {
		h := &list.Items[i]
		if h.DeletionTimestamp != nil || h.Spec.ScaleTargetRef.Kind != "Deployment" {
			continue
		}
		if other := out[h.Spec.ScaleTargetRef.Name]; other == nil || h.Name < other.Name {
			out[h.Spec.ScaleTargetRef.Name] = h
		}
	}
	return out, nil
}

// Target is the Deployment of the autoscaler, as far as the cache shows it; one without labels otherwise.
func Target(ctx context.Context, c client.Reader, obj client.Object) *appsv1.Deployment {
	target := &appsv1.Deployment{}
	if h, ok := obj.(*autoscalingv2.HorizontalPodAutoscaler); ok && h.Spec.ScaleTargetRef.Kind == "Deployment" {
		if c.Get(ctx, client.ObjectKey{Namespace: h.Namespace, Name: h.Spec.ScaleTargetRef.Name}, target) != nil {
			return &appsv1.Deployment{}
		}
	}
	return target
}

// AutoscalerChanged passes over the measurements that an autoscaler notes every few seconds.
func AutoscalerChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, before := e.ObjectOld.(*autoscalingv2.HorizontalPodAutoscaler)
		is, after := e.ObjectNew.(*autoscalingv2.HorizontalPodAutoscaler)
		return !before || !after || was.Status.DesiredReplicas != is.Status.DesiredReplicas ||
			!equality.Semantic.DeepEqual(was.Spec, is.Spec) || !equality.Semantic.DeepEqual(was.Annotations, is.Annotations) ||
			!equality.Semantic.DeepEqual(active(was), active(is)) || was.DeletionTimestamp.IsZero() != is.DeletionTimestamp.IsZero()
	}}
}

// active is whether the autoscaler can tell the load.
func active(h *autoscalingv2.HorizontalPodAutoscaler) (out autoscalingv2.HorizontalPodAutoscalerCondition) {
	for _, c := range h.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive {
			out = c
		}
	}
	out.LastTransitionTime = metav1.Time{}
	return out
}

// HoldFloor lets somebody else's autoscaler keep at least so many pods, and gives it back what it had when least is 0. Of
// KEDA's autoscalers the ScaledObject is changed. It tells whether something was written.
func (a Applier) HoldFloor(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler, least int32) (bool, error) {
	f := floor{object: h.DeepCopy(), path: [2]string{"spec", "minReplicas"}, otherwise: 1}
	f.object.GetObjectKind().SetGroupVersionKind(autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"))
	f.now = ptr.Deref(h.Spec.MinReplicas, f.otherwise)
	if owner := metav1.GetControllerOf(h); owner != nil && owner.Kind == scaledObject.Kind {
		scaled := &unstructured.Unstructured{}
		scaled.SetGroupVersionKind(scaledObject)
		err := a.Reader.Get(ctx, client.ObjectKey{Namespace: h.Namespace, Name: owner.Name}, scaled)
		if apierrors.IsNotFound(err) || apimeta.IsNoMatchError(err) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read ScaledObject %s: %w", owner.Name, err)
		}
		f = floor{object: scaled, path: [2]string{"spec", "minReplicaCount"}}
		now, found, _ := unstructured.NestedInt64(scaled.Object, f.path[:]...)
		f.now = f.otherwise
		if found {
			f.now = int32(now)
		}
	}
	return f.write(ctx, a.Client, least)
}

// floor is the field of an object that says the fewest pods.
type floor struct {
	object client.Object
	path   [2]string
	// now is its value, and otherwise that of the field left out.
	now, otherwise int32
}

func (f floor) write(ctx context.Context, c client.Client, least int32) (bool, error) {
	said, held := f.object.GetAnnotations()[floorAnnotation]
	was := f.now
	if held {
		if n, err := strconv.ParseInt(said, 10, 32); err == nil {
			was = int32(n)
		}
	}
	want := max(was, least)
	if want == f.now && (least > was) == held {
		return false, nil
	}
	note := map[string]any{floorAnnotation: nil}
	if least > was {
		note[floorAnnotation] = strconv.Itoa(int(was))
	}
	patch := map[string]any{
		"metadata": map[string]any{"resourceVersion": f.object.GetResourceVersion(), "annotations": note},
		f.path[0]:  map[string]any{f.path[1]: want},
	}
	text, err := json.Marshal(patch)
	if err != nil {
		return false, err
	}
	if err := c.Patch(ctx, f.object, client.RawPatch(types.MergePatchType, text)); client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("hold the fewest pods of %s: %w", Describe(f.object), err)
	}
	return true, nil
}
