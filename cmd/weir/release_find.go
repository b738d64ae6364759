// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
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
		if err := missing(ctx, c, namespace); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("namespace %s has neither a release %q nor a component of that name that was released; "+
			"see: weir release list -n %s",
			namespace, name, namespace)
	}
	return &releases[len(releases)-1], nil
}

// releasesOf returns the releases of a component, the newest last.
func releasesOf(ctx context.Context, c client.Reader, namespace, component string) ([]api.Release, error) {
	return releasesIn(ctx, c, namespace, []string{component})
}

// findComponent returns the application that has the component, and the component's place in it. Without a name of the
// application it looks through all of the namespace.
func findComponent(ctx context.Context, c client.Reader, namespace, application, component string) (*api.Application, int, error) {
	apps, err := appsIn(ctx, c, namespace, nil)
	if err != nil {
		return nil, 0, err
	}
	for i, app := range apps {
		at := slices.IndexFunc(app.Spec.Components, func(c api.Component) bool { return c.Name == component })
		if at >= 0 && (application == "" || application == app.Name) {
			return &apps[i], at, nil
		}
	}
	if err := missing(ctx, c, namespace); err != nil {
		return nil, 0, err
	}
	if application != "" {
		return nil, 0, fmt.Errorf("namespace %s has no application %q with a component %q; see: weir app list -n %s",
			namespace, application, component, namespace)
	}
	return nil, 0, fmt.Errorf("no application in namespace %s has a component %q; see: weir app list -n %s",
		namespace, component, namespace)
}
