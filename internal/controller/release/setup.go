// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// componentField indexes Releases by the component they bring forward, as application/component.
const componentField = "spec.component"

// Setup lets the manager run the reconciler on every change that concerns an unfinished Release.
func (r *Reconciler) Setup(ctx context.Context, mgr ctrl.Manager) error {
	err := mgr.GetFieldIndexer().IndexField(ctx, &api.Release{}, componentField, func(obj client.Object) []string {
		release, ok := obj.(*api.Release)
		if !ok || release.Status.Phase.Finished() {
			return nil
		}
		return []string{release.Spec.Application, release.Spec.Application + "/" + release.Spec.Component}
	})
	if err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("release").
		For(&api.Release{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(r.ofLabels)).
		Watches(&autoscalingv2.HorizontalPodAutoscaler{}, handler.EnqueueRequestsFromMapFunc(r.ofAutoscaler),
			builder.WithPredicates(kube.AutoscalerChanged())).
		Watches(&appsv1.Deployment{}, handler.EnqueueRequestsFromMapFunc(r.ofLabels)).
		Watches(&api.Release{}, handler.EnqueueRequestsFromMapFunc(peersOf)).
		Owns(&batchv1.Job{}).
		WatchesRawSource(source.Channel(r.Gates.Told(), &handler.EnqueueRequestForObject{})).
		Watches(&api.Application{}, handler.EnqueueRequestsFromMapFunc(r.ofApplication)).
		WithOptions(kube.Passes(8)).
		Complete(r)
}

// ofAutoscaler are the releases of the component whose Deployment the autoscaler is for.
func (r *Reconciler) ofAutoscaler(ctx context.Context, obj client.Object) []reconcile.Request {
	return r.ofLabels(ctx, kube.Target(ctx, r.Client, obj))
}

func (r *Reconciler) ofLabels(ctx context.Context, obj client.Object) []reconcile.Request {
	labels := obj.GetLabels()
	if labels[api.LabelApplication] == "" || labels[api.LabelComponent] == "" {
		return nil
	}
	return r.unfinished(ctx, obj.GetNamespace(), labels[api.LabelApplication]+"/"+labels[api.LabelComponent])
}

func (r *Reconciler) ofApplication(ctx context.Context, app client.Object) []reconcile.Request {
	return r.unfinished(ctx, app.GetNamespace(), app.GetName())
}

// peersOf are the other releases of its unit.
func peersOf(_ context.Context, obj client.Object) []reconcile.Request {
	release, ok := obj.(*api.Release)
	if !ok || release.Spec.Unit == nil {
		return nil
	}
	var out []reconcile.Request
	for _, name := range release.Spec.Unit.Releases {
		if name != release.Name {
			out = append(out, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: release.Namespace, Name: name}})
		}
	}
	return out
}

func (r *Reconciler) unfinished(ctx context.Context, namespace, key string) []reconcile.Request {
	var list api.ReleaseList
	if err := r.Client.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{componentField: key}); err != nil {
		return nil
	}
	var out []reconcile.Request
	for _, release := range list.Items {
		out = append(out, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: release.Namespace, Name: release.Name}})
	}
	return out
}
