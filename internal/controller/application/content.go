// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/config"
)

// contentField indexes Applications by the ConfigMaps and Secrets that their components name.
const contentField = "spec.components.contents"

// missing says what components name and is not there; nil when nothing is missing.
func missing(wants []want) error {
	var faults []error
	for _, w := range wants {
		faults = append(faults, w.missing)
	}
	return errors.Join(faults...)
}

func (r *Reconciler) readContents(ctx context.Context, s *snapshot) (err error) {
	var objects []config.Object
	for _, c := range s.app.Spec.Components {
		objects = append(objects, config.Objects(c)...)
	}
	s.contents, err = r.Contents.Of(ctx, s.app.Namespace, objects)
	return err
}

// readCopies learns which copies there are.
func (r *Reconciler) readCopies(ctx context.Context, s *snapshot) error {
	s.copies = map[config.Object]metav1.PartialObjectMetadata{}
	for _, kind := range []config.Kind{config.ConfigMap, config.Secret} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: string(kind) + "List"})
		if err := r.list(ctx, s, list); err != nil {
			return err
		}
		for _, item := range list.Items {
			if metav1.IsControlledBy(&item, s.app) {
				s.copies[config.Object{Kind: kind, Name: item.Name}] = item
			}
		}
	}
	return nil
}

// keepCopies makes the copies that the desired version takes and that are not there.
func (r *Reconciler) keepCopies(ctx context.Context, s snapshot, w want) error {
	for _, copied := range w.copies {
		if _, there := s.copies[copied.Object()]; there {
			continue
		}
		if err := r.Contents.Keep(ctx, r.Client, s.app, w.component.Name, copied); err != nil {
			return fmt.Errorf("keep the contents of component %s: %w", w.component.Name, err)
		}
		s.copies[copied.Object()] = metav1.PartialObjectMetadata{}
	}
	return nil
}

// lost says which copies of a version are gone, so that no new pod of it can start.
func lost(s snapshot, component, version string) error {
	for _, o := range config.Objects(s.revisions[component][version]) {
		if _, there := s.copies[o]; !there && o.Kept(component) {
			return fmt.Errorf("%s %s: %s, the copy kept with the version, was deleted, and nothing else has its content; pods that run "+
				"go on, new ones cannot start; change the version", component, version, o)
		}
	}
	return nil
}

func contentsOf(obj client.Object) []string {
	app, ok := obj.(*api.Application)
	if !ok {
		return nil
	}
	var out []string
	for _, c := range app.Spec.Components {
		for _, o := range config.Objects(c) {
			out = append(out, o.String())
		}
		if c.Expose != nil && c.Expose.TLS != nil {
			out = append(out, config.Object{Kind: config.Secret, Name: c.Expose.TLS.Secret}.String())
		}
	}
	return out
}

// ofContent finds the Applications that name a ConfigMap or Secret, and the one whose copy it is.
func (r *Reconciler) ofContent(kind config.Kind) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, obj client.Object) []reconcile.Request {
		var apps api.ApplicationList
		err := r.Client.List(ctx, &apps, client.InNamespace(obj.GetNamespace()),
			client.MatchingFields{contentField: config.Object{Kind: kind, Name: obj.GetName()}.String()})
		if err != nil {
			return nil
		}
		out := requestsOf(apps.Items)
		if owner := metav1.GetControllerOf(obj); owner != nil && obj.GetLabels()[api.LabelApplication] == owner.Name {
			out = append(out, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: owner.Name}})
		}
		return out
	}
}
