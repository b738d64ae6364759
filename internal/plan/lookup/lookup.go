// SPDX-License-Identifier: Apache-2.0

// Package lookup answers where one request goes: it tries the routes that are written for proxies in the order in which a
// proxy does, and says of each why it takes the request or does not.
package lookup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
)

// Request is what a proxy is asked to pass on.
type Request struct {
	// Host that is asked for; in the mesh the full name, such as reviews.shop.svc.cluster.local.
	Host string `json:"host"`
	// Outside is true for a request that comes in at a gateway.
	Outside bool `json:"outside,omitempty"`
	// Port that is asked for; 0 when it does not matter.
	Port uint32 `json:"port,omitempty"`
	// Stream is true when the port carries plain TCP: then a connection is looked up, and nothing below matters but Source.
	Stream bool `json:"stream,omitempty"`
	// Method, and Path with its query. Defaults: GET and /.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Headers by name, cookies among them. Names are compared without regard to case.
	Headers map[string]string `json:"headers,omitempty"`
	// Source is the labels of the pod that calls, Namespace the one it is in.
	Source    map[string]string `json:"source,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
}

// Answer is where the request goes, and why.
type Answer struct {
	Request Request `json:"request"`
	// Shares are the versions among which chance decides; none when the proxy answers by itself.
	Shares []Share `json:"shares,omitempty"`
	// Copies are sent besides, and their answers thrown away.
	Copies []Share `json:"copies,omitempty"`
	// Route that takes the request. Its name is empty when none does.
	Route Tried `json:"route"`
	// Before are the routes that do not take it and are asked earlier, in their order.
	Before []Tried `json:"before,omitempty"`
	// Notes are what else a person should know.
	Notes []string `json:"notes,omitempty"`
}

// Share is one place that requests go to.
type Share struct {
	Host string `json:"host"`
	// Version is the subset; empty for all pods of the host.
	Version string `json:"version,omitempty"`
	Port    uint32 `json:"port,omitempty"`
	// Percent of the requests that the route takes.
	Percent float64 `json:"percent"`
	// Cookie that the answer sets, by which the user stays; empty when there is none.
	Cookie string `json:"cookie,omitempty"`
}

// Tried is one route, and why it takes the request or does not.
type Tried struct {
	// VirtualService as namespace/name, and Field within it.
	VirtualService string `json:"virtualService,omitempty"`
	Field          string `json:"field,omitempty"`
	Name           string `json:"name,omitempty"`
	// Because of what: one line for each set of conditions, of which any would be enough.
	Because []string `json:"because,omitempty"`
}

// Of looks the request up among the VirtualServices, which may be all there are. They are not changed.
func Of(r Request, services []*istio.VirtualService) Answer {
	r = r.withDefaults()
	out := Answer{Request: r}
	bound, host := r.bound(services)
	if len(bound) == 0 {
		return out.unbound()
	}
	if !r.Outside && len(bound) > 1 {
		out.note("%s are written for %s; proxies go by the oldest, %s", names(bound), host, name(bound[0]))
		bound = bound[:1]
	}
	if slices.ContainsFunc(bound, out.try) {
		return out
	}
	if r.Stream {
		out.note("no route takes a connection to port %d; the proxy passes it to any pod of %s", r.Port, r.Host)
		out.Shares = []Share{{Host: r.Host, Port: r.Port, Percent: whole}}
		return out
	}
	out.note("no route takes the request: the proxy answers it with 404")
	return out
}

// whole is all requests, in percent.
const whole = 100

func (r Request) withDefaults() Request {
	r.Method, r.Path = cmp.Or(r.Method, "GET"), cmp.Or(r.Path, "/")
	headers := make(map[string]string, len(r.Headers))
	for name, value := range r.Headers {
		headers[strings.ToLower(name)] = value
	}
	r.Headers = headers
	return r
}

// unbound is the answer when nothing is written for the host.
func (a Answer) unbound() Answer {
	if a.Request.Outside {
		a.note("nothing is written for the host %s at a gateway: it answers with 404", a.Request.Host)
		return a
	}
	a.Shares = []Share{{Host: a.Request.Host, Port: a.Request.Port, Percent: whole}}
	a.note("nothing is written for %s: any pod of its Service, whatever its version", a.Request.Host)
	return a
}

func (a *Answer) note(format string, args ...any) {
	a.Notes = append(a.Notes, fmt.Sprintf(format, args...))
}

// try goes through one VirtualService, and tells whether one of its routes takes the request.
func (a *Answer) try(vs *istio.VirtualService) bool {
	if a.Request.Stream {
		return a.tryStream(vs)
	}
	for i, route := range vs.Spec.Http {
		t := Tried{VirtualService: name(vs), Field: fmt.Sprintf("spec.http[%d]", i), Name: route.Name}
		taken, because := a.Request.takes(route)
		if t.Because = because; !taken {
			a.Before = append(a.Before, t)
			continue
		}
		a.Route = t
		a.follow(route)
		return true
	}
	return false
}

func (a *Answer) tryStream(vs *istio.VirtualService) bool {
	for i, route := range vs.Spec.Tcp {
		t := Tried{VirtualService: name(vs), Field: fmt.Sprintf("spec.tcp[%d]", i)}
		taken, because := a.Request.takesStream(route)
		if t.Because = because; !taken {
			a.Before = append(a.Before, t)
			continue
		}
		a.Route = t
		for _, d := range route.Route {
			a.Shares = append(a.Shares, share(d.Destination, d.Weight, len(route.Route)))
		}
		return true
	}
	return false
}

// follow says where the route leads.
func (a *Answer) follow(route *networking.HTTPRoute) {
	switch {
	case route.Redirect != nil:
		a.note("the proxy answers with a redirect")
	case route.DirectResponse != nil:
		a.note("the proxy answers by itself, with %d", route.DirectResponse.Status)
	case route.Delegate != nil:
		a.note("the route leads on to the VirtualService %s, which is not looked at", route.Delegate.Name)
	}
	for _, d := range route.Route {
		s := share(d.Destination, d.Weight, len(route.Route))
		s.Cookie, _, _ = strings.Cut(d.GetHeaders().GetResponse().GetAdd()["set-cookie"], ";")
		if s.Percent > 0 {
			a.Shares = append(a.Shares, s)
		}
	}
	for _, m := range route.Mirrors {
		s := share(m.Destination, whole, 1)
		if m.Percentage != nil {
			s.Percent = m.Percentage.Value
		}
		a.Copies = append(a.Copies, s)
	}
}

// share is a destination's; the only one of a route has all whatever its weight.
func share(d *networking.Destination, weight int32, of int) Share {
	if of == 1 {
		weight = whole
	}
	return Share{Host: d.GetHost(), Version: d.GetSubset(), Port: d.GetPort().GetNumber(), Percent: float64(weight)}
}

func name(vs *istio.VirtualService) string { return vs.Namespace + "/" + vs.Name }

func names(services []*istio.VirtualService) string {
	var out []string
	for _, vs := range services {
		out = append(out, name(vs))
	}
	slices.Sort(out)
	return strings.Join(out, " and ")
}
