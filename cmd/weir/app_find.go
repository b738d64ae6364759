// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// findApp returns the application of that name, or says which there are.
func findApp(ctx context.Context, c client.Reader, namespace, name string) (*api.Application, error) {
	var app api.Application
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &app)
	if err == nil {
		return &app, nil
	}
	if !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("read application %s in %s: %w", name, namespace, err)
	}
	var list api.ApplicationList
	if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list applications in %s: %w", namespace, err)
	}
	if len(list.Items) == 0 {
		return nil, fmt.Errorf("namespace %s has no application %q, nor any other; see: weir app list -A", namespace, name)
	}
	names := make([]string, 0, len(list.Items))
	for _, other := range list.Items {
		names = append(names, other.Name)
	}
	slices.Sort(names)
	return nil, fmt.Errorf("namespace %s has no application %q; there are: %s", namespace, name, strings.Join(names, ", "))
}
