// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"weir.dev/weir/internal/plan/conflict"
	"weir.dev/weir/internal/plan/routing"
)

// service splits a host of the cluster into Service and namespace.
func service(host, from string) (name, namespace string, ok bool) {
	return conflict.Service(conflict.Full(host, from))
}

// foreignRoute finds routes and rules that somebody else wrote for a host of an Application: of two, one is not followed.
func foreignRoute(b *book, n Namespace) {
	for _, all := range b.Namespaces {
		for _, a := range all.Applications {
			for _, c := range a.Spec.Components {
				for _, found := range conflict.Except(&a, conflict.Find(routing.Host(a.Namespace, c.Name), n.Routes, n.Rules)) {
					b.fault(found.Kind+" "+found.Name, found.Do(),
						"it has a say about %s, which belongs to application %s, for %s: the mesh follows one of the two, "+
							"and releases of %s wait", found.Host, a.Name, found.Callers, c.Name)
				}
			}
		}
	}
}

// destinations are all that routes lead to, with the field of each.
func destinations(v *istio.VirtualService) map[string]*networking.Destination {
	out := map[string]*networking.Destination{}
	for i, r := range v.Spec.Http {
		for j, d := range r.Route {
			out[fmt.Sprintf("spec.http[%d].route[%d]", i, j)] = d.Destination
		}
		if r.Mirror != nil {
			out[fmt.Sprintf("spec.http[%d].mirror", i)] = r.Mirror
		}
		for j, m := range r.Mirrors {
			out[fmt.Sprintf("spec.http[%d].mirrors[%d]", i, j)] = m.Destination
		}
	}
	for i, r := range v.Spec.Tcp {
		for j, d := range r.Route {
			out[fmt.Sprintf("spec.tcp[%d].route[%d]", i, j)] = d.Destination
		}
	}
	for i, r := range v.Spec.Tls {
		for j, d := range r.Route {
			out[fmt.Sprintf("spec.tls[%d].route[%d]", i, j)] = d.Destination
		}
	}
	return out
}

// each calls for every destination of the namespace's routes, in the order of their fields.
func (n Namespace) each(look func(where string, d *networking.Destination)) {
	for _, v := range n.Routes {
		all := destinations(v)
		fields := make([]string, 0, len(all))
		for field := range all {
			fields = append(fields, field)
		}
		slices.Sort(fields)
		for _, field := range fields {
			if d := all[field]; d != nil {
				look("VirtualService "+v.Name+", "+field, d)
			}
		}
	}
}

func (b *book) at(namespace string) (Namespace, bool) {
	i := slices.IndexFunc(b.Namespaces, func(n Namespace) bool { return n.Name == namespace })
	if i < 0 {
		return Namespace{}, false
	}
	return b.Namespaces[i], true
}

func hostMissing(b *book, n Namespace) {
	n.each(func(where string, d *networking.Destination) {
		name, namespace, ok := service(d.Host, n.Name)
		other, seen := b.at(namespace)
		if !ok || !seen {
			return // outside of the cluster, or of what was looked at
		}
		for _, s := range other.Services {
			if s.Name != name {
				continue
			}
			if number := d.GetPort().GetNumber(); number != 0 && !slices.ContainsFunc(s.Spec.Ports, hasNumber(number)) {
				b.fault(where, "correct the number", "Service %s has no port %d: such requests are answered 503", name, number)
			}
			return
		}
		b.fault(where, "correct the host, or make the Service", "there is no Service %s in %s: such requests are answered 503", name, namespace)
	})
}

func subsetMissing(b *book, n Namespace) {
	n.each(func(where string, d *networking.Destination) {
		_, namespace, ok := service(d.Host, n.Name)
		if _, seen := b.at(namespace); d.Subset == "" || !ok || !seen {
			return
		}
		if len(b.subset(d.Host, d.Subset, n.Name)) == 0 {
			b.fault(where, "name the subset in the DestinationRule of the host first, then route to it",
				"no DestinationRule has a subset %q of %s: such requests are answered 503", d.Subset, d.Host)
		}
	})
}

// subset finds the labels of a subset; nil when no rule has it.
func (b *book) subset(host, name, from string) []labels.Set {
	var out []labels.Set
	for _, n := range b.Namespaces {
		for _, d := range n.Rules {
			if conflict.Full(d.Spec.Host, n.Name) != conflict.Full(host, from) {
				continue
			}
			for _, s := range d.Spec.Subsets {
				if s.Name == name {
					out = append(out, labels.Set(s.Labels))
				}
			}
		}
	}
	return out
}

func subsetEmpty(b *book, n Namespace) {
	for _, r := range n.Rules {
		name, namespace, ok := service(r.Spec.Host, n.Name)
		other, seen := b.at(namespace)
		if !ok || !seen {
			continue
		}
		for _, s := range other.Services {
			if s.Name != name {
				continue
			}
			pods := other.selected(s)
			for _, subset := range r.Spec.Subsets {
				if !slices.ContainsFunc(pods, podsOf(subset.Labels)) {
					b.warn("DestinationRule "+r.Name+", subset "+subset.Name, "start such pods before a route leads there, or take the subset out",
						"no pod of Service %s has the labels %s", name, labels.Set(subset.Labels))
				}
			}
		}
	}
}

func weightSum(b *book, n Namespace) {
	for _, v := range n.Routes {
		for i, r := range v.Spec.Http {
			var sum int32
			for _, d := range r.Route {
				sum += d.Weight
			}
			if len(r.Route) > 1 && sum != 100 {
				b.warn(fmt.Sprintf("VirtualService %s, spec.http[%d]", v.Name, i), "let them sum to 100",
					"the weights sum to %d, so none is the percentage it seems", sum)
			}
		}
	}
}
