// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"weir.dev/weir/internal/plan/routing"
)

const (
	// whole is the sum of the weights of a route, in percent.
	whole = 100
	// insideMesh stands for all sidecars where a VirtualService names its gateways.
	insideMesh = "mesh"
)

// Check refuses objects that must not reach the mesh together: a route to a subset that no DestinationRule names or that
// has no pods, weights that do not sum to 100, a port that no Service has, two writers of one host, two routes for the same
// requests, a match that no proxy can read or that never holds. The error names every fault by object and field, and what to
// do about it. The objects must be all there are of an Application.
func Check(objects []Object) error {
	c := checker{world: worldOf(objects), writers: map[string]string{}}
	for _, o := range objects {
		c.object = fmt.Sprintf("%s %s", kind(o), o.GetName())
		c.once(o)
		switch o := o.(type) {
		case *istio.DestinationRule:
			c.destinationRule(o)
		case *istio.VirtualService:
			c.virtualService(o)
		}
	}
	return errors.Join(c.faults...)
}

// checker gathers the faults of one object after the other.
type checker struct {
	world
	object string
	// writers names who answers for what, so that there is one.
	writers map[string]string
	faults  []error
}

func (c *checker) fault(field, format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s: %s: %w", c.object, field, fmt.Errorf(format, args...)))
}

// claim records the object as the only writer of what.
func (c *checker) claim(field, what, advice string) {
	if other, taken := c.writers[what]; taken {
		c.fault(field, "%s is already written by %s; %s", what, other, advice)
		return
	}
	c.writers[what] = c.object
}

func (c *checker) once(o Object) {
	c.claim("metadata.name", "the name "+kind(o)+" "+o.GetNamespace()+"/"+o.GetName(), "rename one of the components")
	if len(validation.IsDNS1123Subdomain(o.GetName())) > 0 {
		c.fault("metadata.name", "%q is no valid name; rename the application or the component", o.GetName())
	}
}

func (c *checker) destinationRule(d *istio.DestinationRule) {
	c.claim("spec.host", "the rule for host "+d.Spec.Host, "leave one rule for each host")
	if _, ok := c.services[d.Spec.Host]; !ok {
		c.fault("spec.host", "no Service answers for %s; give the component a port", d.Spec.Host)
	}
	for i, s := range d.Spec.Subsets {
		field := fmt.Sprintf("spec.subsets[%d].name", i)
		c.claim(field, "the subset "+d.Spec.Host+" "+s.Name, "name each version once")
		if len(validation.IsDNS1123Label(s.Name)) > 0 {
			c.fault(field, "%q is no DNS label; use lower case letters, digits and dashes in the version", s.Name)
		}
	}
}

func (c *checker) virtualService(v *istio.VirtualService) {
	c.hosts(v)
	for i, route := range v.Spec.Http {
		field := fmt.Sprintf("spec.http[%d]", i)
		if j, path := shadowed(v.Spec.Http[:i], route); j >= 0 {
			c.fault(field, "requests to %q are taken by spec.http[%d] (%s) before; give each component paths of its own",
				path, j, v.Spec.Http[j].Name)
		}
		c.named(field, v.Spec.Http[:i], route)
		c.matches(field, route)
		c.extras(field, route)
		c.weights(field, httpWeights(route))
		for j, d := range route.Route {
			c.destination(fmt.Sprintf("%s.route[%d].destination", field, j), d.Destination)
		}
	}
	for i, route := range v.Spec.Tcp {
		field := fmt.Sprintf("spec.tcp[%d]", i)
		c.weights(field, tcpWeights(route))
		for j, d := range route.Route {
			c.destination(fmt.Sprintf("%s.route[%d].destination", field, j), d.Destination)
		}
	}
	if len(v.Spec.Http)+len(v.Spec.Tcp) == 0 {
		c.fault("spec", "there is no route; leave the VirtualService out")
	}
}

// hosts checks that each host has one writer and that the way in exists.
func (c *checker) hosts(v *istio.VirtualService) {
	gateways := v.Spec.Gateways
	if len(gateways) == 0 {
		gateways = []string{insideMesh}
	}
	for i, g := range gateways {
		if g != insideMesh && !c.gateways[g] {
			c.fault(fmt.Sprintf("spec.gateways[%d]", i), "there is no Gateway %s; expose a component", g)
		}
		for j, host := range v.Spec.Hosts {
			if slices.ContainsFunc(v.Spec.Hosts[:j], func(other string) bool { return routing.Overlap(host, other) }) {
				c.fault(fmt.Sprintf("spec.hosts[%d]", j), "%s overlaps a host before it; give it a VirtualService of its own", host)
			}
			field := fmt.Sprintf("spec.hosts[%d]", j)
			c.claim(field, fmt.Sprintf("the route of host %s at %s", host, g), "leave one route for each host")
			if _, ok := c.services[host]; !ok && g == insideMesh {
				c.fault(field, "no Service answers for %s; give the component a port", host)
			}
		}
	}
}

func (c *checker) weights(field string, weights []int32) {
	var sum int32
	for i, w := range weights {
		if sum += w; w < 0 {
			c.fault(fmt.Sprintf("%s.route[%d].weight", field, i), "%d is negative; weights lie between 0 and 100", w)
		}
	}
	if sum != whole {
		c.fault(field+".route", "the weights sum to %d; they must sum to %d", sum, whole)
	}
}

func (c *checker) destination(field string, d *networking.Destination) {
	service, ok := c.services[d.GetHost()]
	if !ok {
		c.fault(field+".host", "no Service answers for %q; give the component a port", d.GetHost())
		return
	}
	if number := int32(d.GetPort().GetNumber()); !service.ports[number] && !service.elsewhere {
		c.fault(field+".port.number", "Service %s has no port %d; list it under the component's ports", service.name, number)
	}
	if d.Subset == "" {
		return
	}
	labels, ok := c.subsets[d.Host][d.Subset]
	if !ok {
		c.fault(field+".subset", "no DestinationRule names subset %q of %s; add the subset before giving it weight",
			d.Subset, d.Host)
		return
	}
	if !c.hasPods(service, labels) {
		c.fault(field+".subset", "subset %q of %s has no pods; give the version replicas before weight", d.Subset, d.Host)
	}
}
