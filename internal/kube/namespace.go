// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/draft"
)

// ReadNamespace reads what a draft is made from.
func ReadNamespace(ctx context.Context, c client.Reader, name string) (draft.Namespace, error) {
	var deployments appsv1.DeploymentList
	var stateful appsv1.StatefulSetList
	var services corev1.ServiceList
	var routes istionet.VirtualServiceList
	var gateways istionet.GatewayList
	var ingresses networkingv1.IngressList
	for _, list := range []client.ObjectList{&deployments, &stateful, &services, &routes, &gateways, &ingresses} {
		if err := c.List(ctx, list, client.InNamespace(name)); err != nil {
			return draft.Namespace{}, fmt.Errorf("list %T in %s: %w", list, name, err)
		}
	}
	return draft.Namespace{
		Name: name, Deployments: deployments.Items, StatefulSets: stateful.Items, Services: services.Items, Routes: routes.Items,
		Gateways: gateways.Items, Ingresses: ingresses.Items,
	}, nil
}
