// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// Everything lists all that a namespace holds, of whatever kind the API server knows, as metadata with its kind. Kinds that
// may not be listed are returned as well, by their resource names. Events are left out.
func Everything(ctx context.Context, config *rest.Config,
	namespace string) (all []metav1.PartialObjectMetadata, hidden []string, err error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	kinds, err := listable(config)
	if err != nil {
		return nil, nil, err
	}
	c, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("reach the cluster: %w", err)
	}
	for _, kind := range kinds {
		list, err := c.Resource(kind.resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		switch {
		case apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err):
			continue
		case apierrors.IsForbidden(err) || apierrors.IsServiceUnavailable(err):
			hidden = append(hidden, kind.resource.GroupResource().String())
			continue
		case err != nil:
			return nil, nil, fmt.Errorf("list %s: %w", kind.resource.Resource, err)
		}
		for _, item := range list.Items {
			item.TypeMeta = metav1.TypeMeta{APIVersion: kind.resource.GroupVersion().String(), Kind: kind.kind}
			all = append(all, item)
		}
	}
	slices.Sort(hidden)
	return all, hidden, nil
}

type listed struct {
	resource schema.GroupVersionResource
	kind     string
}

// listable are the kinds that live in namespaces, each in the version that the API server prefers.
func listable(config *rest.Config) ([]listed, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("reach the cluster: %w", err)
	}
	// A group whose server is down does not hide the others.
	lists, err := client.ServerPreferredNamespacedResources()
	if err != nil && len(lists) == 0 {
		return nil, fmt.Errorf("ask for the kinds of the cluster: %w", err)
	}
	var out []listed
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("kinds of %s: %w", list.GroupVersion, err)
		}
		for _, r := range list.APIResources {
			twice := r.Kind == "Event" || r.Kind == "Endpoints" // events are no part of anything; endpoints are shown as slices
			if slices.Contains(r.Verbs, "list") && !strings.Contains(r.Name, "/") && !twice {
				out = append(out, listed{version.WithResource(r.Name), r.Kind})
			}
		}
	}
	return out, nil
}
