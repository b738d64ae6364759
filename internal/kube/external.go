// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/plan/external"
)

// External reads what others made for a component, past the cache, which holds nothing of theirs.
func External(ctx context.Context, reader client.Reader, namespace, component string) (external.Seen, error) {
	seen := external.Seen{Component: component}
	var service corev1.Service
	err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: component}, &service)
	if err == nil {
		seen.Service = &service
	} else if !apierrors.IsNotFound(err) {
		return seen, fmt.Errorf("read Service %s: %w", component, err)
	}
	var deployments appsv1.DeploymentList
	if err := reader.List(ctx, &deployments, client.InNamespace(namespace)); err != nil {
		return seen, fmt.Errorf("list Deployments of component %s: %w", component, err)
	}
	for _, d := range deployments.Items {
		if external.Of(&d) == component {
			seen.Deployments = append(seen.Deployments, d)
		}
	}
	var pods corev1.PodList
	if err := reader.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{external.LabelApp: component}); err != nil {
		return seen, fmt.Errorf("list pods of component %s: %w", component, err)
	}
	seen.Pods = pods.Items
	return seen, nil
}
