// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/kube"
)

// Setup lets the manager run the reconciler when a pod without its sidecar comes or changes, and when anything changes that
// may help.
func (r *Reconciler) Setup(_ context.Context, mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("injection").
		For(&api.Application{}, builder.WithPredicates(predicate.NewPredicateFuncs(abnormal))).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(ofPod), builder.WithPredicates(predicate.NewPredicateFuncs(lacking))).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(r.ofAbnormal)).
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.ofNamespace),
			builder.WithPredicates(predicate.LabelChangedPredicate{})).
		Watches(&admissionv1.MutatingWebhookConfiguration{}, handler.EnqueueRequestsFromMapFunc(r.ofAll), builder.WithPredicates(changed())).
		WithOptions(kube.Passes(4)).
		Complete(r)
}

// abnormal tells whether the Application is said to have pods without sidecars.
func abnormal(obj client.Object) bool {
	app, ok := obj.(*api.Application)
	return ok && apimeta.IsStatusConditionFalse(app.Status.Conditions, api.ConditionInjected)
}

func lacking(obj client.Object) bool {
	pod, ok := obj.(*corev1.Pod)
	return ok && injection.OptedIn(pod) && lacks(pod)
}

// changed passes by updates that only touch the bundle of certificates, which istiod renews by itself.
func changed() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return true },
		DeleteFunc:  func(event.DeleteEvent) bool { return true },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc:  func(e event.UpdateEvent) bool { return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() },
	}
}

func ofPod(_ context.Context, pod client.Object) []reconcile.Request {
	name := pod.GetLabels()[api.LabelApplication]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: pod.GetNamespace(), Name: name}}}
}

// ofAbnormal is the pod's Application, if it is said to have pods without sidecars.
func (r *Reconciler) ofAbnormal(ctx context.Context, pod client.Object) []reconcile.Request {
	var app api.Application
	requests := ofPod(ctx, pod)
	if len(requests) == 0 || r.Client.Get(ctx, requests[0].NamespacedName, &app) != nil || !abnormal(&app) {
		return nil
	}
	return requests
}

func (r *Reconciler) ofNamespace(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.in(ctx, namespace.GetName())
}

func (r *Reconciler) ofAll(ctx context.Context, _ client.Object) []reconcile.Request {
	return r.in(ctx, "")
}

// in are the Applications of a namespace, or of all: one may be on the way to be called abnormal for what was before.
func (r *Reconciler) in(ctx context.Context, namespace string) []reconcile.Request {
	var apps api.ApplicationList
	if err := r.Client.List(ctx, &apps, client.InNamespace(namespace)); err != nil {
		return nil
	}
	var out []reconcile.Request
	for i := range apps.Items {
		out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&apps.Items[i])})
	}
	return out
}
