// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"reflect"
	"strings"

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
	if err := fill(ctx, c, name, &deployments, &stateful, &services, &routes, &gateways, &ingresses); err != nil {
		return draft.Namespace{}, err
	}
	return draft.Namespace{
		Name: name, Deployments: deployments.Items, StatefulSets: stateful.Items, Services: services.Items, Routes: routes.Items,
		Gateways: gateways.Items, Ingresses: ingresses.Items,
	}, nil
}

// fill reads the lists of a namespace.
func fill(ctx context.Context, c client.Reader, namespace string, lists ...client.ObjectList) error {
	for _, list := range lists {
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return fmt.Errorf("list %ss in namespace %s: %w", KindOf(list), namespace, err)
		}
	}
	return nil
}

// KindOf is the kind of what a list holds, by the name of its type.
func KindOf(list client.ObjectList) string {
	return strings.TrimSuffix(reflect.TypeOf(list).Elem().Name(), "List")
}
