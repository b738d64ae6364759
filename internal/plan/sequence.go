// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
)

// Sequence returns the objects in the order to write them, so that after every single write no route leads to a subset or
// a port that is not there. Objects already come with what is named before what names it; what is named no longer may go
// only after the last route to it: a live rule keeps the subsets it has, and a live Service its ports. What is not among the
// objects is to be deleted then, routes first. After that, later are those rules and Services without what they kept. Ports
// keep the names that they have live.
func Sequence(objects, live []Object) (first, later []Object) {
	for _, o := range objects {
		o = steady(o, live)
		if both := keeping(o, live); both != o {
			later = append(later, o)
			o = both
		}
		first = append(first, o)
	}
	return first, later
}

// keeping is the object with what the live one of its name has besides; the object itself when there is no such thing.
func keeping(o Object, live []Object) Object {
	switch o := o.(type) {
	case *istio.DestinationRule:
		if l, ok := liveOf(o, live); ok && l.Spec.Host == o.Spec.Host {
			return keepingSubsets(o, l)
		}
	case *corev1.Service:
		if l, ok := liveOf(o, live); ok {
			return keepingPorts(o, l)
		}
	}
	return o
}

// liveOf is the live object of the same kind and name.
func liveOf[K Object](o K, live []Object) (none K, ok bool) {
	for _, l := range live {
		if is, ok := l.(K); ok && l.GetNamespace() == o.GetNamespace() && l.GetName() == o.GetName() {
			return is, true
		}
	}
	return none, false
}

func keepingSubsets(rule, live *istio.DestinationRule) Object {
	out := rule
	for _, s := range live.Spec.Subsets {
		if slices.ContainsFunc(rule.Spec.Subsets, func(own *networking.Subset) bool { return own.Name == s.Name }) {
			continue
		}
		if out == rule {
			out = rule.DeepCopy()
		}
		out.Spec.Subsets = append(out.Spec.Subsets, s.DeepCopy())
	}
	return out
}

// keepingPorts passes over a port whose name another one has now: the API server would refuse both.
func keepingPorts(service, live *corev1.Service) Object {
	out := service
	for _, p := range live.Spec.Ports {
		if slices.ContainsFunc(service.Spec.Ports, func(own corev1.ServicePort) bool { return own.Port == p.Port || own.Name == p.Name }) {
			continue
		}
		if out == service {
			out = service.DeepCopy()
		}
		out.Spec.Ports = append(out.Spec.Ports, corev1.ServicePort{
			Name: cmp.Or(p.Name, fmt.Sprintf("port-%d", p.Port)), // of several, each needs a name
			Port: p.Port, Protocol: p.Protocol, AppProtocol: p.AppProtocol, TargetPort: p.TargetPort,
		})
	}
	return out
}
