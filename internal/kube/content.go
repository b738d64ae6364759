// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/owner"
)

// AnnotationCopyOf names, on a copy, the ConfigMap or Secret it was made of.
const AnnotationCopyOf = "weir.dev/copy-of"

// Contents tells what ConfigMaps and Secrets hold. It remembers digests of values, never the values.
type Contents struct {
	// Metadata holds the metadata of all ConfigMaps and Secrets; nil reads everything anew.
	Metadata client.Reader
	// Reader reads past the cache.
	Reader client.Reader

	mu    sync.Mutex
	known map[place]content
}

type place struct {
	namespace string
	object    config.Object
}

// content is what an object held at a version of its own.
type content struct {
	uid             types.UID
	resourceVersion string
	digests         map[string]string
}

// Of returns the contents of those of the objects that exist. An object is read again only when it has changed.
func (c *Contents) Of(ctx context.Context, namespace string, objects []config.Object) (config.Contents, error) {
	out := config.Contents{}
	for _, o := range objects {
		digests, err := c.of(ctx, place{namespace, o})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", o, err)
		}
		if digests != nil {
			out[o] = digests
		}
	}
	return out, nil
}

func (c *Contents) of(ctx context.Context, at place) (map[string]string, error) {
	if c.Metadata != nil {
		meta := Metadata(at.object.Kind)
		err := c.Metadata.Get(ctx, at.key(), meta)
		if apierrors.IsNotFound(err) {
			c.forget(at)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if known, ok := c.recall(at); ok && known.uid == meta.UID && known.resourceVersion == meta.ResourceVersion {
			return known.digests, nil
		}
	}
	text, bytes, meta, err := c.read(ctx, at)
	if apierrors.IsNotFound(err) {
		c.forget(at)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	digests := config.Digests(text, bytes)
	c.remember(at, content{meta.UID, meta.ResourceVersion, digests})
	return digests, nil
}

func (p place) key() client.ObjectKey {
	return client.ObjectKey{Namespace: p.namespace, Name: p.object.Name}
}

// read returns the values themselves.
func (c *Contents) read(ctx context.Context, at place) (map[string]string, map[string][]byte, metav1.ObjectMeta, error) {
	if at.object.Kind == config.Secret {
		var s corev1.Secret
		err := c.Reader.Get(ctx, at.key(), &s)
		return nil, s.Data, s.ObjectMeta, err
	}
	var m corev1.ConfigMap
	err := c.Reader.Get(ctx, at.key(), &m)
	return m.Data, m.BinaryData, m.ObjectMeta, err
}

func (c *Contents) recall(at place) (content, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.known[at]
	return known, ok
}

func (c *Contents) remember(at place, what content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[place]content{}
	}
	c.known[at] = what
}

func (c *Contents) forget(at place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, at)
}

// ChangedError says that an object changed while it was copied.
type ChangedError struct{ Object config.Object }

func (e *ChangedError) Error() string { return e.Object.String() + " changed while it was copied" }

// Keep makes a copy for the component. It fails with a ChangedError when the object no longer holds what the copy is named
// after, and with a ForeignError when the name is taken.
func (c *Contents) Keep(ctx context.Context, w client.Client, app *api.Application, component string, what config.Copy) error {
	text, bytes, _, err := c.read(ctx, place{app.Namespace, what.Of})
	if err != nil {
		return fmt.Errorf("read %s: %w", what.Of, err)
	}
	if !what.Fits(component, config.Digests(text, bytes)) {
		return &ChangedError{what.Of}
	}
	meta := owner.Meta(app, component, what.Name)
	meta.Annotations = map[string]string{AnnotationCopyOf: what.Of.Name}
	var obj client.Object = &corev1.ConfigMap{
		ObjectMeta: meta, Immutable: ptr.To(true), Data: only(text, what.Keys), BinaryData: only(bytes, what.Keys),
	}
	if what.Of.Kind == config.Secret {
		obj = &corev1.Secret{ObjectMeta: meta, Immutable: ptr.To(true), Data: only(bytes, what.Keys)}
	}
	err = w.Create(ctx, obj, client.FieldOwner(api.FieldManager))
	if !apierrors.IsAlreadyExists(err) {
		return wrap(err, "copy "+what.Of.String())
	}
	live := Metadata(what.Of.Kind)
	if err := c.Reader.Get(ctx, client.ObjectKeyFromObject(obj), live); err != nil {
		return fmt.Errorf("read the copy of %s: %w", what.Of, err)
	}
	return ownedBySame(live, obj)
}

func wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// only is the part of the map that the keys name; nil when there is none.
func only[T any](values map[string]T, keys []string) map[string]T {
	var out map[string]T
	for _, key := range keys {
		value, ok := values[key]
		if ok && out == nil {
			out = map[string]T{}
		}
		if ok {
			out[key] = value
		}
	}
	return out
}

// Metadata is an object of the kind of which only the metadata is read.
func Metadata(kind config.Kind) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: string(kind)}}
}

// Bare is what is kept in memory of each ConfigMap and Secret of the cluster: enough to know when it is another, and whose
// copy it is. It is a cache's transformation, and leaves everything but metadata as it is.
func Bare(obj any) (any, error) {
	m, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	m.ObjectMeta = metav1.ObjectMeta{
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, DeletionTimestamp: m.DeletionTimestamp,
		Labels: only(m.Labels, []string{api.LabelApplication, api.LabelComponent}), OwnerReferences: m.OwnerReferences,
	}
	return m, nil
}
