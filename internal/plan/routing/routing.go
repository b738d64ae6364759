// SPDX-License-Identifier: Apache-2.0

// Package routing makes what tells the mesh where requests go: subsets, weights and the way in from outside.
package routing

import (
	"maps"
	"slices"
	"strconv"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/port"
)

// LabelExternal marks rules for what somebody else runs.
const LabelExternal = "weir.dev/external"

// whole is the sum of the weights of a route, in percent.
const whole = 100

// Component is what routes of one component are made from.
type Component struct {
	Name string
	// External is true when the workloads and the Service are somebody else's.
	External bool
	// Ports of the Service, with their protocols.
	Ports []api.Port
	// Versions in the order they are wanted.
	Versions []Version
	// Expose is nil for a component that is reached from inside only.
	Expose *api.Expose
}

// Version is one version of a component as routes see it.
type Version struct {
	Name string
	// Subset tells whether callers can choose the version, Pods whether it has any.
	Subset, Pods bool
	// Weight is its share of the requests, in percent.
	Weight int32
	// Ports the version listens on.
	Ports []api.Port
	// Match picks requests that all go to the version, Mirror sends it copies, Cohorts keeps users with who answered them.
	Match   []api.Match
	Mirror  *api.Mirror
	Cohorts *api.Cohorts
}

// Host is the name callers use for a component.
func Host(namespace, component string) string {
	return component + "." + namespace + ".svc.cluster.local"
}

// Routed tells whether callers choose among versions of the component at all.
func (c Component) Routed() bool {
	return slices.ContainsFunc(c.Versions, func(v Version) bool { return v.Subset }) &&
		slices.ContainsFunc(c.Ports, func(p api.Port) bool { return len(c.sharesAt(p.Port)) > 0 })
}

// DestinationRule names the component's subsets, one a version.
func DestinationRule(a *api.Application, c Component) *istio.DestinationRule {
	d := &istio.DestinationRule{
		TypeMeta:   typeMeta("DestinationRule"),
		ObjectMeta: owner.Meta(a, c.Name, c.Name),
		Spec:       networking.DestinationRule{Host: Host(a.Namespace, c.Name)},
	}
	pods := map[string]string{api.LabelComponent: c.Name}
	if c.External {
		pods = map[string]string{owner.LabelApp: c.Name}
		d.Labels[LabelExternal] = "true"
	}
	for _, v := range c.Versions {
		if v.Subset {
			labels := maps.Clone(pods)
			labels[owner.LabelVersion] = v.Name
			d.Spec.Subsets = append(d.Spec.Subsets, &networking.Subset{Name: v.Name, Labels: labels})
		}
	}
	return d
}

// VirtualService shares the requests that callers in the mesh make among the component's versions, port by port.
func VirtualService(a *api.Application, c Component) *istio.VirtualService {
	host := Host(a.Namespace, c.Name)
	vs := &istio.VirtualService{
		TypeMeta:   typeMeta("VirtualService"),
		ObjectMeta: owner.Meta(a, c.Name, c.Name),
		Spec:       networking.VirtualService{Hosts: []string{host}},
	}
	for _, p := range c.Ports {
		shares := c.sharesAt(p.Port)
		switch {
		case len(shares) == 0:
		case port.IsHTTP(p.Protocol):
			vs.Spec.Http = append(vs.Spec.Http, c.inside(p, shares).routes(a)...)
		default:
			vs.Spec.Tcp = append(vs.Spec.Tcp, tcpRoute(host, shares, c.matchPort(p)))
		}
	}
	return vs
}

// matchPort is the port a route is bound to; 0 when it is the only one of its kind and so needs no binding.
func (c Component) matchPort(p api.Port) uint32 {
	alike := 0
	for _, other := range c.Ports {
		if port.IsHTTP(other.Protocol) == port.IsHTTP(p.Protocol) {
			alike++
		}
	}
	if alike == 1 {
		return 0
	}
	return uint32(p.Port)
}

// inside is the way by which callers in the mesh come to a port.
func (c Component) inside(p api.Port, shares []share) way {
	w := way{component: c, name: c.RouteName(), port: c.matchPort(p), shares: shares}
	w.portOf = func(v Version) (int32, bool) { return p.Port, port.Has(v.Ports, p.Port) }
	if w.port != 0 {
		w.suffix = strconv.Itoa(int(w.port))
	}
	return w
}

func tcpRoute(host string, shares []share, match uint32) *networking.TCPRoute {
	route := &networking.TCPRoute{}
	for _, s := range shares {
		route.Route = append(route.Route, &networking.RouteDestination{Destination: s.destination(host), Weight: s.weight})
	}
	if match != 0 {
		route.Match = []*networking.L4MatchAttributes{{Port: match}}
	}
	return route
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: istio.SchemeGroupVersion.String(), Kind: kind}
}
