// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/standing"
)

// findRelease returns the release of that name, or the newest release of the component of that name.
func findRelease(ctx context.Context, c client.Reader, namespace, name string) (*api.Release, error) {
	var release api.Release
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &release)
	if err == nil {
		return &release, nil
	}
	if !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("read release %s in %s: %w", name, namespace, err)
	}
	releases, err := releasesOf(ctx, c, namespace, name)
	if err != nil {
		return nil, err
	}
	if len(releases) == 0 {
		return nil, fmt.Errorf("namespace %s has neither a release %q nor a component of that name that was released; see: weir release list -n %s",
			namespace, name, namespace)
	}
	return &releases[len(releases)-1], nil
}

// releasesOf returns the releases of a component, the newest last.
func releasesOf(ctx context.Context, c client.Reader, namespace, component string) ([]api.Release, error) {
	var list api.ReleaseList
	if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list releases in %s: %w", namespace, err)
	}
	of := slices.DeleteFunc(list.Items, func(r api.Release) bool { return r.Spec.Component != component })
	slices.SortFunc(of, standing.Older)
	return of, nil
}

// findComponent returns the application that has the component, and the component's place in it. Without a name of the
// application it looks through all of the namespace.
func findComponent(ctx context.Context, c client.Reader, namespace, application, component string) (*api.Application, int, error) {
	var list api.ApplicationList
	if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, 0, fmt.Errorf("list applications in %s: %w", namespace, err)
	}
	for i, app := range list.Items {
		at := slices.IndexFunc(app.Spec.Components, func(c api.Component) bool { return c.Name == component })
		if at >= 0 && (application == "" || application == app.Name) {
			return &list.Items[i], at, nil
		}
	}
	if application != "" {
		return nil, 0, fmt.Errorf("namespace %s has no application %q with a component %q; see: kubectl get applications -n %s",
			namespace, application, component, namespace)
	}
	return nil, 0, fmt.Errorf("no application in namespace %s has a component %q; see: kubectl get applications -n %s",
		namespace, component, namespace)
}
