// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// Strategies finds Strategies by name: those of a namespace first, then the templates that come with Weir.
type Strategies struct {
	Reader client.Reader
	// Templates is the namespace that holds the templates; empty when there are none.
	Templates string
}

// Find returns the Strategy that the name means in the namespace; nil when there is none.
func (s Strategies) Find(ctx context.Context, namespace, name string) (*api.Strategy, error) {
	for _, where := range s.places(namespace) {
		var found api.Strategy
		err := s.Reader.Get(ctx, client.ObjectKey{Namespace: where, Name: name}, &found)
		if err == nil {
			return &found, nil
		}
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read strategy %s in namespace %s: %w", name, where, err)
		}
	}
	return nil, nil
}

// Names says in words which Strategies can be named in the namespace.
func (s Strategies) Names(ctx context.Context, namespace string) (string, error) {
	var all []string
	for _, where := range s.places(namespace) {
		var list api.StrategyList
		if err := s.Reader.List(ctx, &list, client.InNamespace(where)); err != nil {
			return "", fmt.Errorf("list strategies in namespace %s: %w", where, err)
		}
		for _, item := range list.Items {
			all = append(all, item.Name)
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == 0 {
		return "there are none", nil
	}
	return "there are " + strings.Join(all, ", "), nil
}

func (s Strategies) places(namespace string) []string {
	if s.Templates == "" || s.Templates == namespace {
		return []string{namespace}
	}
	return []string{namespace, s.Templates}
}
