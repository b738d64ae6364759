// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/inventory"
)

// References lists what objects of a namespace name each other: autoscalers their workloads, routes and ingresses their
// Services.
func References(ctx context.Context, c client.Reader, namespace string) ([]inventory.Reference, error) {
	var scalers autoscalingv2.HorizontalPodAutoscalerList
	var ingresses networkingv1.IngressList
	var routes istionet.VirtualServiceList
	for _, list := range []client.ObjectList{&scalers, &ingresses, &routes} {
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("list %T in %s: %w", list, namespace, err)
		}
	}
	var out []inventory.Reference
	for _, o := range scalers.Items {
		to := o.Spec.ScaleTargetRef
		out = append(out, inventory.Reference{From: inventory.Item{Kind: "HorizontalPodAutoscaler", Name: o.Name}, Kind: to.Kind, Name: to.Name})
	}
	for _, o := range ingresses.Items {
		for _, name := range backends(&o) {
			out = append(out, inventory.Reference{From: inventory.Item{Kind: "Ingress", Name: o.Name}, Kind: "Service", Name: name})
		}
	}
	for _, o := range routes.Items {
		for _, name := range ServicesOf(&o.Spec, namespace, namespace) {
			out = append(out, inventory.Reference{From: inventory.Item{Kind: "VirtualService", Name: o.Name}, Kind: "Service", Name: name})
		}
	}
	return out, nil
}

func backends(o *networkingv1.Ingress) []string {
	var out []string
	add := func(b *networkingv1.IngressBackend) {
		if b != nil && b.Service != nil {
			out = append(out, b.Service.Name)
		}
	}
	add(o.Spec.DefaultBackend)
	for _, rule := range o.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for i := range rule.HTTP.Paths {
			add(&rule.HTTP.Paths[i].Backend)
		}
	}
	return out
}

// ServicesOf are the Services, of one namespace, that routes of another or the same lead to.
func ServicesOf(routes *networking.VirtualService, of, from string) []string {
	var out []string
	add := func(d *networking.Destination) {
		name, rest, dotted := strings.Cut(d.GetHost(), ".")
		namespace, _, _ := strings.Cut(rest, ".")
		if !dotted {
			namespace = from
		}
		if name != "" && namespace == of {
			out = append(out, name)
		}
	}
	for _, r := range routes.GetHttp() {
		for _, d := range r.GetRoute() {
			add(d.GetDestination())
		}
		add(r.GetMirror())
		for _, m := range r.GetMirrors() {
			add(m.GetDestination())
		}
	}
	for _, r := range routes.GetTcp() {
		for _, d := range r.GetRoute() {
			add(d.GetDestination())
		}
	}
	for _, r := range routes.GetTls() {
		for _, d := range r.GetRoute() {
			add(d.GetDestination())
		}
	}
	return out
}
