// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// missing tells that there is no such namespace, since a wrong name looks like an empty one. Who may not look is not told.
// Empty means all of them.
func missing(ctx context.Context, c client.Reader, namespace string) error {
	if namespace == "" {
		return nil
	}
	var itself corev1.Namespace
	if err := c.Get(ctx, client.ObjectKey{Name: namespace}, &itself); apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no namespace %s; name another with -n", namespace)
	}
	return nil
}

// whereabouts is a namespace in words; empty means all of them.
func whereabouts(namespace string) string {
	if namespace == "" {
		return "in any namespace"
	}
	return "in namespace " + namespace
}
