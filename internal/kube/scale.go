// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// scaler owns the number of pods of a workload that has an autoscaler. As long as the same manager owned it together with
// the rest, leaving it out of that would set it back to the API server's default, which is 1.
const scaler = api.FieldManager + "-scale"

// Raise lets the workload have at least so many pods, and tells whether it had fewer. An autoscaler may go on from there:
// what it did in the meantime is a conflict, and nothing is written.
func (a Applier) Raise(ctx context.Context, workload client.Object, least int32) (bool, error) {
	now, live, err := a.counted(ctx, workload)
	if err != nil || now >= least {
		return false, client.IgnoreNotFound(err)
	}
	return true, a.scale(ctx, live, least)
}

// handOver keeps the number of pods as it is when it is from now on left to an autoscaler.
func (a Applier) handOver(ctx context.Context, obj client.Object) error {
	if !leftOpen(obj) {
		return nil
	}
	now, live, err := a.counted(ctx, obj)
	if err != nil {
		return err
	}
	for _, entry := range live.GetManagedFields() {
		if entry.Manager == api.FieldManager && entry.Operation == metav1.ManagedFieldsOperationApply && ownsReplicas(entry) {
			return a.scale(ctx, live, now)
		}
	}
	return nil
}

// leftOpen tells whether the object is a workload that does not say how many pods it has.
func leftOpen(obj client.Object) bool {
	switch o := obj.(type) {
	case *appsv1.Deployment:
		return o.Spec.Replicas == nil
	case *appsv1.StatefulSet:
		return o.Spec.Replicas == nil
	default:
		return false
	}
}

// counted reads the workload past the cache, which knows nothing of who owns a field.
func (a Applier) counted(ctx context.Context, obj client.Object) (int32, client.Object, error) {
	var count *int32
	var live client.Object
	switch obj.(type) {
	case *appsv1.StatefulSet:
		s := &appsv1.StatefulSet{}
		if err := a.Reader.Get(ctx, client.ObjectKeyFromObject(obj), s); err != nil {
			return 0, s, fmt.Errorf("read StatefulSet %s: %w", obj.GetName(), err)
		}
		live, count = s, s.Spec.Replicas
		s.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("StatefulSet"))
	default:
		d := &appsv1.Deployment{}
		if err := a.Reader.Get(ctx, client.ObjectKeyFromObject(obj), d); err != nil {
			return 0, d, fmt.Errorf("read Deployment %s: %w", obj.GetName(), err)
		}
		live, count = d, d.Spec.Replicas
		d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	}
	if count == nil {
		return 1, live, nil
	}
	return *count, live, nil
}

func (a Applier) scale(ctx context.Context, live client.Object, count int32) error {
	u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"replicas": int64(count)}}}
	u.SetGroupVersionKind(live.GetObjectKind().GroupVersionKind())
	u.SetNamespace(live.GetNamespace())
	u.SetName(live.GetName())
	u.SetUID(live.GetUID())
	u.SetResourceVersion(live.GetResourceVersion())
	err := a.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(scaler), client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("scale %s to %d: %w", Describe(live), count, err)
	}
	return nil
}

func ownsReplicas(entry metav1.ManagedFieldsEntry) bool {
	var owned struct {
		Spec map[string]json.RawMessage `json:"f:spec"`
	}
	if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &owned) != nil {
		return false
	}
	_, owns := owned.Spec["f:replicas"]
	return owns
}
