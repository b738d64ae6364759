// SPDX-License-Identifier: Apache-2.0

package prefix

import (
	"fmt"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// look is what is found wrong with what is stored.
type look struct {
	Stored
	found []string
	// writers of each host, by kind, host and gateway.
	writers map[string]string
}

// faults are what is wrong with what is stored, in words.
func (c Stored) faults() []string {
	l := look{Stored: c, writers: map[string]string{}}
	for key, o := range c {
		switch o := o.(type) {
		case *istio.VirtualService:
			l.routes(key, o)
		case *istio.DestinationRule:
			l.writes(key, "rules of "+o.Spec.Host)
		}
	}
	return l.found
}

func (l *look) fault(format string, args ...any) {
	l.found = append(l.found, fmt.Sprintf(format, args...))
}

// writes notes who writes something, of which there may be one.
func (l *look) writes(key, what string) {
	if other, taken := l.writers[what]; taken {
		l.fault("%s and %s both write the %s", key, other, what)
	}
	l.writers[what] = key
}

func (l *look) routes(key string, vs *istio.VirtualService) {
	for _, host := range vs.Spec.Hosts {
		for _, gateway := range gateways(vs) {
			l.writes(key, "routes of "+host+" at "+gateway)
		}
	}
	for _, route := range vs.Spec.Http {
		if route.Redirect == nil {
			l.sums(key, route.Name, weighted(route.Route))
		}
		for _, m := range route.Mirrors {
			l.leads("copies of "+route.Name, m.Destination)
		}
		if route.Mirror != nil {
			l.leads("copies of "+route.Name, route.Mirror)
		}
	}
	for _, route := range vs.Spec.Tcp {
		l.sums(key, "tcp", weighted(route.Route))
	}
	for _, route := range vs.Spec.Tls {
		l.sums(key, "tls", weighted(route.Route))
	}
}

// gateways that the routes hold at; none are those of the mesh.
func gateways(vs *istio.VirtualService) []string {
	if len(vs.Spec.Gateways) == 0 {
		return []string{"mesh"}
	}
	return vs.Spec.Gateways
}

// share is what a destination gets.
type share interface {
	GetWeight() int32
	GetDestination() *networking.Destination
}

func weighted[S share](all []S) []share {
	var out []share
	for _, s := range all {
		out = append(out, s)
	}
	return out
}

func (l *look) sums(key, route string, all []share) {
	sum := int32(0)
	for _, s := range all {
		sum += s.GetWeight()
		l.leads(key+", "+route, s.GetDestination())
	}
	if sum != 100 {
		l.fault("the weights of %s, %s sum to %d", key, route, sum)
	}
}

// leads looks for the port of a destination, its subset, and pods of it.
func (l *look) leads(from string, d *networking.Destination) {
	if n := d.GetPort().GetNumber(); n > 0 && !l.hasPort(d.GetHost(), int32(n)) {
		l.fault("%s leads to port %d of %s, which is missing", from, n, d.GetHost())
	}
	if d.GetSubset() != "" && !l.hasSubset(d) {
		l.fault("%s leads to subset %s of %s, which is missing or has no pods", from, d.GetSubset(), d.GetHost())
	}
}

func (l *look) hasPort(host string, number int32) bool {
	for _, o := range l.Stored {
		s, ok := o.(*corev1.Service)
		if !ok || s.Name+"."+s.Namespace+".svc.cluster.local" != host {
			continue
		}
		for _, p := range s.Spec.Ports {
			if p.Port == number {
				return true
			}
		}
	}
	return false
}

func (l *look) hasSubset(d *networking.Destination) bool {
	for _, o := range l.Stored {
		rule, ok := o.(*istio.DestinationRule)
		if !ok || rule.Spec.Host != d.GetHost() {
			continue
		}
		for _, s := range rule.Spec.Subsets {
			if s.Name == d.GetSubset() && l.hasPods(s.Labels) {
				return true
			}
		}
	}
	return false
}

func (l *look) hasPods(subset labels.Set) bool {
	for _, o := range l.Stored {
		if d, ok := o.(*appsv1.Deployment); ok && ptr.Deref(d.Spec.Replicas, 1) > 0 &&
			subset.AsSelector().Matches(labels.Set(d.Spec.Template.Labels)) {
			return true
		}
	}
	return false
}
