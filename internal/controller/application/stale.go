// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/takeover"
)

// moving tells of an item whether it is a Service that has been told to lead elsewhere, and does not count as moved yet.
func moving(app *api.Application, i takeover.Item) bool {
	if i.Kind != "Service" || i.Record == nil {
		return false
	}
	if i.Owned {
		return i.Record.At == nil
	}
	return app.DeletionTimestamp != nil && i.Record.Back == nil
}

// stale tells of a Service whether its EndpointSlices name pods that it does not select: another controller makes them, a
// moment later, and much later where that has a lot to do.
func (r *Reconciler) stale(ctx context.Context, o *unstructured.Unstructured) (bool, error) {
	selector, _, err := unstructured.NestedStringMap(o.Object, "spec", "selector")
	if err != nil || len(selector) == 0 {
		return false, err
	}
	var pods corev1.PodList
	if err := r.Reader.List(ctx, &pods, client.InNamespace(o.GetNamespace()), client.MatchingLabels(selector)); err != nil {
		return false, fmt.Errorf("list the pods of Service %s: %w", o.GetName(), err)
	}
	var all discoveryv1.EndpointSliceList
	of := client.MatchingLabels{discoveryv1.LabelServiceName: o.GetName()}
	if err := r.Reader.List(ctx, &all, client.InNamespace(o.GetNamespace()), of); err != nil {
		return false, fmt.Errorf("list the EndpointSlices of Service %s: %w", o.GetName(), err)
	}
	return slices.ContainsFunc(all.Items, func(s discoveryv1.EndpointSlice) bool {
		return slices.ContainsFunc(s.Endpoints, func(e discoveryv1.Endpoint) bool { return strange(e, pods.Items) })
	}), nil
}

// strange tells of an endpoint whether it is a pod, and none of these.
func strange(e discoveryv1.Endpoint, pods []corev1.Pod) bool {
	return e.TargetRef != nil && e.TargetRef.Kind == "Pod" &&
		!slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.UID == e.TargetRef.UID })
}
