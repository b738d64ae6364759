// SPDX-License-Identifier: Apache-2.0

// Package port finds out what is spoken on a port, and how the mesh must be told.
package port

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "weir.dev/weir/api/v1alpha1"
)

// The protocols of a port.
const (
	HTTP    api.Protocol = "http"
	HTTP2   api.Protocol = "http2"
	GRPC    api.Protocol = "grpc"
	GRPCWeb api.Protocol = "grpc-web"
	HTTPS   api.Protocol = "https"
	TLS     api.Protocol = "tls"
	TCP     api.Protocol = "tcp"
	UDP     api.Protocol = "udp"
	Mongo   api.Protocol = "mongo"
	MySQL   api.Protocol = "mysql"
	Redis   api.Protocol = "redis"
)

// IsHTTP tells whether requests can be told apart on the protocol, so that they can be routed one by one.
func IsHTTP(p api.Protocol) bool { return p == HTTP || p == HTTP2 || p == GRPC || p == GRPCWeb }

// Target is the number that is listened on.
func Target(p api.Port) int32 {
	if p.Target != 0 {
		return p.Target
	}
	return p.Port
}

// Resolve returns the component's ports with every protocol filled in, in their order. How a protocol was said, names, and
// targets that say nothing new are gone, so that ports that come to the same are the same.
func Resolve(c api.Component) []api.Port {
	exposed, _ := Exposed(c)
	out := slices.Clone(c.Ports)
	for i, p := range out {
		out[i] = api.Port{Port: p.Port, Target: p.Target, Protocol: Find(p, p.Port == exposed).Protocol}
		if p.Target == p.Port {
			out[i].Target = 0
		}
	}
	return out
}

// Exposed returns the port that requests from outside are sent to: the one said, else the first that speaks http, else the
// first whose protocol nobody said. It is false when the component exposes nothing, has no such port, or passes on
// connections.
func Exposed(c api.Component) (int32, bool) {
	if c.Expose == nil || c.Expose.TCP != 0 {
		return 0, false
	}
	if i := slices.IndexFunc(c.Ports, func(p api.Port) bool { return p.Port == c.Expose.Port }); c.Expose.Port != 0 {
		return c.Expose.Port, i >= 0 && IsHTTP(Find(c.Ports[i], true).Protocol)
	}
	if p, ok := First(c.Ports); ok {
		return p, true
	}
	for _, p := range c.Ports {
		if IsHTTP(Find(p, true).Protocol) {
			return p.Port, true
		}
	}
	return 0, false
}

// First returns the number of the first port that speaks http.
func First(ports []api.Port) (int32, bool) {
	for _, p := range ports {
		if IsHTTP(Find(p, false).Protocol) {
			return p.Port, true
		}
	}
	return 0, false
}

// Number is what the component listens on at the port that the user gave the name.
func Number(c api.Component, name string) (int32, bool) {
	i := slices.IndexFunc(c.Ports, func(p api.Port) bool { return p.Name == name && name != "" })
	if i < 0 {
		return 0, false
	}
	return Target(c.Ports[i]), true
}

// Probed are the ports that the probe names or numbers, to be read or changed.
func Probed(p *corev1.Probe) []*intstr.IntOrString {
	switch {
	case p == nil:
		return nil
	case p.HTTPGet != nil:
		return []*intstr.IntOrString{&p.HTTPGet.Port}
	case p.TCPSocket != nil:
		return []*intstr.IntOrString{&p.TCPSocket.Port}
	}
	return nil
}

// Streams are the ports that the mesh carries: all but those of datagrams.
func Streams(ports []api.Port) []api.Port {
	return slices.DeleteFunc(slices.Clone(ports), func(p api.Port) bool { return p.Protocol == UDP })
}

// Has tells whether the number is among the ports.
func Has(ports []api.Port, number int32) bool {
	return slices.ContainsFunc(ports, func(p api.Port) bool { return p.Port == number })
}
