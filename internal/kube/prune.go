// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	istiosec "istio.io/client-go/pkg/apis/security/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// generated lists the kinds Weir makes, in the order they may be taken away: a route before what it leads to.
func generated() []client.ObjectList {
	return []client.ObjectList{
		&istionet.GatewayList{}, &istionet.VirtualServiceList{}, &istionet.DestinationRuleList{},
		&batchv1.CronJobList{}, &batchv1.JobList{}, &autoscalingv2.HorizontalPodAutoscalerList{},
		&appsv1.StatefulSetList{}, &appsv1.DeploymentList{},
		&istiosec.AuthorizationPolicyList{}, &istionet.SidecarList{}, &istionet.ServiceEntryList{},
		&corev1.ServiceList{}, &corev1.ServiceAccountList{},
	}
}

// Prune deletes what the application owns and keep does not list. It returns descriptions of what it deleted.
func (a Applier) Prune(ctx context.Context, owner *api.Application, keep []client.Object) ([]string, error) {
	wanted := map[string]bool{}
	for _, obj := range keep {
		wanted[Describe(obj)] = true
	}
	var deleted []string
	for _, list := range generated() {
		left, err := a.owned(ctx, owner, list)
		if err != nil {
			return deleted, err
		}
		for _, obj := range left {
			if wanted[Describe(obj)] || obj.GetDeletionTimestamp() != nil {
				continue
			}
			err := a.Client.Delete(ctx, obj, client.PropagationPolicy(metav1.DeletePropagationBackground),
				client.Preconditions{UID: new(obj.GetUID())})
			if client.IgnoreNotFound(err) != nil {
				return deleted, fmt.Errorf("delete %s: %w", Describe(obj), err)
			}
			deleted = append(deleted, Describe(obj))
		}
	}
	return deleted, nil
}

// Owned lists what the application owns of the kinds that Weir makes, in the order it may be taken away, and then of others.
func (a Applier) Owned(ctx context.Context, owner *api.Application, others ...client.ObjectList) ([]client.Object, error) {
	var out []client.Object
	for _, list := range append(generated(), others...) {
		of, err := a.owned(ctx, owner, list)
		if err != nil {
			return nil, err
		}
		out = append(out, of...)
	}
	return out, nil
}

func (a Applier) owned(ctx context.Context, owner *api.Application, list client.ObjectList) ([]client.Object, error) {
	err := a.Client.List(ctx, list, client.InNamespace(owner.Namespace), client.MatchingLabels{api.LabelApplication: owner.Name})
	if err != nil {
		return nil, fmt.Errorf("list %T of application %s: %w", list, owner.Name, err)
	}
	var out []client.Object
	err = apimeta.EachListItem(list, func(item runtime.Object) error {
		obj, ok := item.(client.Object)
		if !ok || !metav1.IsControlledBy(obj, owner) {
			return nil
		}
		// Items of a list carry no kind of their own.
		gvk, err := a.Client.GroupVersionKindFor(obj)
		if err != nil {
			return err
		}
		obj.GetObjectKind().SetGroupVersionKind(gvk)
		out = append(out, obj)
		return nil
	})
	return out, err
}
