// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
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
	others, err := appsIn(ctx, c, namespace, nil)
	if err != nil {
		return nil, err
	}
	if len(others) == 0 {
		if err := missing(ctx, c, namespace); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("namespace %s has no application %q, nor any other; see: weir app list -A", namespace, name)
	}
	names := make([]string, 0, len(others))
	for _, other := range others {
		names = append(names, other.Name)
	}
	return nil, fmt.Errorf("namespace %s has no application %q; there are: %s", namespace, name, strings.Join(names, ", "))
}
