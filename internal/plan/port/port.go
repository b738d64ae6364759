// SPDX-License-Identifier: Apache-2.0

// Package port knows what is spoken on a port and how the mesh must be told.
package port

import (
	"slices"
	"strconv"

	api "weir.dev/weir/api/v1alpha1"
)

// The protocols of a port.
const (
	HTTP  api.Protocol = "http"
	HTTP2 api.Protocol = "http2"
	GRPC  api.Protocol = "grpc"
	HTTPS api.Protocol = "https"
	TLS   api.Protocol = "tls"
	TCP   api.Protocol = "tcp"
	Mongo api.Protocol = "mongo"
	MySQL api.Protocol = "mysql"
	Redis api.Protocol = "redis"
)

// known is what is spoken on a port whose protocol nobody said. A wrong "http" breaks a connection that a wrong "tcp" would
// carry, so only numbers with one common use are here.
var known = map[int32]api.Protocol{
	80: HTTP, 3000: HTTP, 5000: HTTP, 8000: HTTP, 8080: HTTP, 8081: HTTP, 8888: HTTP, 9080: HTTP,
	443: HTTPS, 8443: HTTPS,
	3306: MySQL, 6379: Redis, 27017: Mongo, 50051: GRPC,
}

// Known returns the protocol that is spoken on the port number by custom; tcp when there is no custom.
func Known(number int32) api.Protocol {
	if p, ok := known[number]; ok {
		return p
	}
	return TCP
}

// IsHTTP tells whether requests can be told apart on the protocol, so that they can be routed one by one.
func IsHTTP(p api.Protocol) bool { return p == HTTP || p == HTTP2 || p == GRPC }

// Target is the number that is listened on.
func Target(p api.Port) int32 {
	if p.Target != 0 {
		return p.Target
	}
	return p.Port
}

// Resolve returns the component's ports with every protocol filled in, in their order. A target that says nothing new is
// left out. A port that is exposed and whose protocol nobody said speaks http.
func Resolve(c api.Component) []api.Port {
	exposed, _ := Exposed(c)
	out := slices.Clone(c.Ports)
	for i := range out {
		if out[i].Target == out[i].Port {
			out[i].Target = 0
		}
		switch {
		case out[i].Protocol != "":
		case out[i].Port == exposed && !IsHTTP(Known(exposed)):
			out[i].Protocol = HTTP
		default:
			out[i].Protocol = Known(out[i].Port)
		}
	}
	return out
}

// Exposed returns the port that requests from outside are sent to: the one said, else the first that speaks http, else the
// first whose protocol nobody said. It is false when the component exposes nothing or has no such port.
func Exposed(c api.Component) (int32, bool) {
	if c.Expose == nil {
		return 0, false
	}
	if c.Expose.Port != 0 {
		return c.Expose.Port, Has(c.Ports, c.Expose.Port)
	}
	if p, ok := First(c.Ports); ok {
		return p, true
	}
	for _, p := range c.Ports {
		if p.Protocol == "" {
			return p.Port, true
		}
	}
	return 0, false
}

// First returns the number of the first port that speaks http.
func First(ports []api.Port) (int32, bool) {
	for _, p := range ports {
		if IsHTTP(p.Protocol) || p.Protocol == "" && IsHTTP(Known(p.Port)) {
			return p.Port, true
		}
	}
	return 0, false
}

// Has tells whether the number is among the ports.
func Has(ports []api.Port, number int32) bool {
	return slices.ContainsFunc(ports, func(p api.Port) bool { return p.Port == number })
}

// Carried is the protocol the mesh is told. https and tls are carried as tcp: Istio would pick their routes by the name in
// the TLS greeting alone, and refuse every caller that uses a short name or none.
func Carried(p api.Protocol) api.Protocol {
	if p == HTTPS || p == TLS {
		return TCP
	}
	return p
}

// Name is the port's name in Services and containers, such as http-9080.
func Name(p api.Port) string {
	return string(Carried(p.Protocol)) + "-" + strconv.Itoa(int(p.Port))
}
