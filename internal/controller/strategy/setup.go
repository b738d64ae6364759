// SPDX-License-Identifier: Apache-2.0

package strategy

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// Setup lets the manager run the reconciler when a Strategy is edited, and when what names it is.
func (r *Reconciler) Setup(mgr ctrl.Manager) error {
	edited := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("strategy").
		For(&api.Strategy{}, edited).
		// A Strategy of a namespace takes the place of a template, and gives it back.
		Watches(&api.Strategy{}, handler.EnqueueRequestsFromMapFunc(r.template), edited).
		Watches(&api.Application{}, handler.EnqueueRequestsFromMapFunc(r.named), edited).
		WithOptions(kube.Passes(4)).
		Complete(r)
}

func (r *Reconciler) template(_ context.Context, obj client.Object) []reconcile.Request {
	if r.Templates == "" || obj.GetNamespace() == r.Templates {
		return nil
	}
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: r.Templates, Name: obj.GetName()}}}
}

// named are the Strategies that the application may mean. After an edit it is asked for the old one, too.
func (r *Reconciler) named(_ context.Context, obj client.Object) []reconcile.Request {
	app, ok := obj.(*api.Application)
	if !ok {
		return nil
	}
	var out []reconcile.Request
	for _, c := range app.Spec.Components {
		if c.Strategy == "" {
			continue
		}
		out = append(out, reconcile.Request{NamespacedName: client.ObjectKey{Namespace: app.Namespace, Name: c.Strategy}})
		if r.Templates != "" && r.Templates != app.Namespace {
			out = append(out, reconcile.Request{NamespacedName: client.ObjectKey{Namespace: r.Templates, Name: c.Strategy}})
		}
	}
	return out
}
