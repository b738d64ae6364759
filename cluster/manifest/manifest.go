// SPDX-License-Identifier: Apache-2.0

// Package manifest reads Kubernetes objects from YAML, applies them on the server's side and waits for them.
package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// Object is any Kubernetes object.
type Object = unstructured.Unstructured

// Parse reads the documents of a YAML stream. Empty ones are left out.
func Parse(stream []byte) ([]*Object, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096)
	var objects []*Object
	for {
		var document runtime.RawExtension
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		object := &Object{}
		if err == nil && len(document.Raw) > 0 {
			err = json.Unmarshal(document.Raw, &object.Object) // keeps whole numbers whole
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", len(objects)+1, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// Client talks to one API server.
type Client struct {
	objects dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

// Dial returns a client with the credentials of a kubeconfig file. It does not connect yet.
func Dial(kubeconfig string) (*Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 500, 1000
	config.WarningHandler = rest.NoWarnings{}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	discovered, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discovered))
	return &Client{objects: objects, mapper: mapper}, nil
}

const fieldManager = "weir-cluster"

// Apply writes the objects in order, except those that are on the server as wanted. An object whose kind or namespace
// is not known yet is tried again until ctx ends.
func (c *Client) Apply(ctx context.Context, objects []*Object) error {
	for _, object := range objects {
		if err := c.applyPatiently(ctx, object); err != nil {
			return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// ApplyTogether is Apply for objects that don't need each other.
func (c *Client) ApplyTogether(ctx context.Context, objects []*Object) error {
	const workers = 4
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, object := range objects {
		group.Go(func() error { return c.Apply(ctx, []*Object{object}) })
	}
	return group.Wait()
}

func (c *Client) applyPatiently(ctx context.Context, object *Object) error {
	return Poll(ctx, func(ctx context.Context) (bool, error) {
		resource, err := c.resource(object.GroupVersionKind(), object.GetNamespace())
		if meta.IsNoMatchError(err) {
			c.mapper.Reset()
			return false, nil
		}
		if err != nil {
			return false, retriable(err)
		}
		err = apply(ctx, resource, object)
		return err == nil, retriable(err)
	})
}

func apply(ctx context.Context, resource dynamic.ResourceInterface, object *Object) error {
	live, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && object.GetKind() == "CustomResourceDefinition":
		// An apply costs the server several times as much, for a schema of this size.
		_, err = resource.Create(ctx, object, metav1.CreateOptions{FieldManager: fieldManager})
		return err
	case err != nil && !apierrors.IsNotFound(err):
		return err
	case err == nil && covers(live.Object, object.Object):
		return nil
	}
	_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	return err
}

// retriable drops the errors that pass by themselves while a cluster starts.
func retriable(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsInternalError(err) || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) {
		return nil
	}
	return err
}

// Get returns one object.
func (c *Client) Get(ctx context.Context, kind schema.GroupVersionKind, namespace, name string) (*Object, error) {
	resource, err := c.resource(kind, namespace)
	if err != nil {
		return nil, err
	}
	return resource.Get(ctx, name, metav1.GetOptions{})
}

func (c *Client) resource(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.objects.Resource(mapping.Resource).Namespace(namespace), nil
	}
	return c.objects.Resource(mapping.Resource), nil
}

const pollEvery = 50 * time.Millisecond

// Poll calls check until it says true or fails. When ctx ends first the error says so.
func Poll(ctx context.Context, check func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		done, err := check(ctx)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
