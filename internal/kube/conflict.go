// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/conflict"
	"weir.dev/weir/internal/plan/routing"
)

// hostField indexes routes and rules by the hosts they are for.
const hostField = "spec.hosts"

// IndexHosts lets a cache find routes and rules by their hosts, which Conflicts needs.
func IndexHosts(ctx context.Context, indexer client.FieldIndexer) error {
	for _, obj := range []client.Object{&istionet.VirtualService{}, &istionet.DestinationRule{}} {
		err := indexer.IndexField(ctx, obj, hostField, func(o client.Object) []string { return conflict.Hosts(o) })
		if err != nil {
			return fmt.Errorf("index %T by host: %w", obj, err)
		}
	}
	return nil
}

// Conflicts are the routes and rules of others for a component's host, in any namespace, but for those that the Application
// takes over. The cache is one that IndexHosts has prepared.
func Conflicts(ctx context.Context, cache client.Reader, app *api.Application, component string) ([]conflict.Conflict, error) {
	host := routing.Host(app.Namespace, component)
	var routes []*istionet.VirtualService
	var rules []*istionet.DestinationRule
	for _, name := range conflict.Names(host) {
		var some istionet.DestinationRuleList
		if err := cache.List(ctx, &some, client.MatchingFields{hostField: name}); err != nil {
			return nil, fmt.Errorf("list rules for %s: %w", name, err)
		}
		rules = append(rules, some.Items...)
	}
	var all istionet.VirtualServiceList
	if err := cache.List(ctx, &all, client.MatchingFields{hostField: host}); err != nil {
		return nil, fmt.Errorf("list routes for %s: %w", host, err)
	}
	routes = all.Items
	return conflict.Except(app, conflict.Find(host, routes, rules)), nil
}

// Outline is what is kept in memory of routes and rules that are not ours: for which hosts they are, and for whom. It is a
// cache's transformation, and leaves what is ours as it is.
func Outline(obj any) (any, error) {
	if o, ok := obj.(metav1.Object); ok {
		o.SetManagedFields(nil)
	}
	switch o := obj.(type) {
	case *istionet.VirtualService:
		if !conflict.Ours(o) {
			out := &istionet.VirtualService{TypeMeta: o.TypeMeta, ObjectMeta: outlined(o.ObjectMeta)}
			out.Spec = networking.VirtualService{Hosts: o.Spec.Hosts, Gateways: o.Spec.Gateways, ExportTo: o.Spec.ExportTo}
			return out, nil
		}
	case *istionet.DestinationRule:
		if !conflict.Ours(o) {
			out := &istionet.DestinationRule{TypeMeta: o.TypeMeta, ObjectMeta: outlined(o.ObjectMeta)}
			out.Spec = networking.DestinationRule{Host: o.Spec.Host, ExportTo: o.Spec.ExportTo}
			return out, nil
		}
	}
	return obj, nil
}

func outlined(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, Generation: m.Generation,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp, Labels: m.Labels, OwnerReferences: m.OwnerReferences,
	}
}
