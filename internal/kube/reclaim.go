// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	api "weir.dev/weir/api/v1alpha1"
)

// Reclaim gives the application what was made for one of its name and is nobody's: that one was deleted, and what it had made
// was to stay. Objects of the kinds that Weir makes are looked at, and of the others.
func (a Applier) Reclaim(ctx context.Context, owner *api.Application, others ...client.ObjectList) error {
	for _, list := range append(generated(), others...) {
		err := a.Client.List(ctx, list, client.InNamespace(owner.Namespace), client.MatchingLabels{api.LabelApplication: owner.Name})
		if err != nil {
			return fmt.Errorf("list %T of application %s: %w", list, owner.Name, err)
		}
		err = apimeta.EachListItem(list, func(item runtime.Object) error {
			obj, ok := item.DeepCopyObject().(client.Object)
			if !ok || !abandoned(obj, owner) {
				return nil
			}
			return a.reclaim(ctx, obj, owner)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a Applier) reclaim(ctx context.Context, obj client.Object, owner *api.Application) error {
	before, ok := obj.DeepCopyObject().(client.Object)
	if !ok {
		return nil
	}
	obj.SetOwnerReferences(nil)
	if err := controllerutil.SetControllerReference(owner, obj, a.Client.Scheme()); err != nil {
		return err
	}
	err := a.Client.Patch(ctx, obj, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reclaim %s: %w", Describe(obj), err)
	}
	return nil
}

// abandoned tells whether nobody owns the object, or nobody but an application of the same name that was there before.
func abandoned(obj client.Object, owner *api.Application) bool {
	if obj.GetDeletionTimestamp() != nil || obj.GetLabels()[api.LabelComponent] == "" &&
		obj.GetLabels()["app.kubernetes.io/managed-by"] != "weir" {
		return false
	}
	for _, ref := range obj.GetOwnerReferences() {
		if !former(ref, owner) {
			return false
		}
	}
	return true
}

func former(ref metav1.OwnerReference, owner *api.Application) bool {
	return ref.Kind == "Application" && ref.APIVersion == api.GroupVersion.String() && ref.Name == owner.Name && ref.UID != owner.UID
}
