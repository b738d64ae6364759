// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"sync"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	istiosec "istio.io/client-go/pkg/apis/security/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/config"
)

// StrategyField indexes Applications by the strategies their components name.
const StrategyField = "spec.components.strategy"

// Setup lets the manager run the reconciler on every change that concerns an Application.
func (r *Reconciler) Setup(ctx context.Context, mgr ctrl.Manager) error {
	r.admitted, r.compared, r.written = &sync.Map{}, kube.NewCompared(), &kube.Written{}
	for field, values := range map[string]client.IndexerFunc{
		StrategyField: strategiesOf, contentField: contentsOf, targetField: targetsOf, placeField: placesOf, componentField: componentsOf,
	} {
		if err := mgr.GetFieldIndexer().IndexField(ctx, &api.Application{}, field, values); err != nil {
			return err
		}
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("application").
		For(&api.Application{}).
		Owns(&api.Release{}).
		Owns(&appsv1.ControllerRevision{}).
		Owns(&appsv1.Deployment{}).
		Owns(&appsv1.StatefulSet{}).
		Owns(&batchv1.Job{}).
		Owns(&batchv1.CronJob{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&istionet.DestinationRule{}).
		Owns(&istionet.VirtualService{}).
		Owns(&istionet.Gateway{}).
		Watches(&autoscalingv2.HorizontalPodAutoscaler{}, handler.EnqueueRequestsFromMapFunc(r.ofAutoscaler),
			builder.WithPredicates(kube.AutoscalerChanged())).
		Owns(&istionet.ServiceEntry{}).
		Owns(&istionet.Sidecar{}).
		Owns(&istiosec.AuthorizationPolicy{}).
		Watches(&api.Application{}, onCaller()).
		Watches(&api.Application{}, r.onExposure()).
		Watches(&istionet.VirtualService{}, handler.EnqueueRequestsFromMapFunc(r.ofHost)).
		Watches(&istionet.DestinationRule{}, handler.EnqueueRequestsFromMapFunc(r.ofHost)).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(ofPod)).
		Watches(&api.Strategy{}, handler.EnqueueRequestsFromMapFunc(r.ofStrategy),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.ofContent(config.ConfigMap))).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.ofContent(config.Secret))).
		WithOptions(kube.Passes(4)).
		Complete(r)
}

func strategiesOf(obj client.Object) []string {
	app, ok := obj.(*api.Application)
	if !ok {
		return nil
	}
	var out []string
	for _, c := range app.Spec.Components {
		if c.Strategy != "" {
			out = append(out, c.Strategy)
		}
	}
	return out
}

// ofAutoscaler is the application of the Deployment that the autoscaler is for, whoever made it.
func (r *Reconciler) ofAutoscaler(ctx context.Context, obj client.Object) []reconcile.Request {
	return ofPod(ctx, kube.Target(ctx, r.Client, obj))
}

func ofPod(_ context.Context, pod client.Object) []reconcile.Request {
	name := pod.GetLabels()[api.LabelApplication]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: pod.GetNamespace(), Name: name}}}
}

func (r *Reconciler) ofStrategy(ctx context.Context, strategy client.Object) []reconcile.Request {
	options := []client.ListOption{client.MatchingFields{StrategyField: strategy.GetName()}}
	if strategy.GetNamespace() != r.Templates {
		options = append(options, client.InNamespace(strategy.GetNamespace()))
	}
	var apps api.ApplicationList
	if err := r.Client.List(ctx, &apps, options...); err != nil {
		return nil
	}
	return requestsOf(apps.Items)
}

func requestsOf(apps []api.Application) []reconcile.Request {
	var out []reconcile.Request
	for i := range apps {
		out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&apps[i])})
	}
	return out
}
