// SPDX-License-Identifier: Apache-2.0

// Package use reads whom components call, and makes of it what the mesh is told: hosts outside, what each proxy is sent, and
// who may call whom.
package use

import (
	"net/netip"
	"strconv"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// clusterDomain ends the full names of Services.
const clusterDomain = ".svc.cluster.local"

// Target is whom one entry of uses names: a component, or a host by its name.
type Target struct {
	Namespace, Application, Component string
	// Protocol, Host and Port of a host; the host may begin with a star.
	Protocol api.Protocol
	Host     string
	Port     int32
}

// Parse reads an entry of uses of a component of the application, as the schema lets it pass.
func Parse(a *api.Application, text string) Target {
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		return hostOf(api.Protocol(scheme), rest)
	}
	t := Target{Namespace: a.Namespace, Application: a.Name}
	parts := strings.Split(text, "/")
	t.Component = parts[len(parts)-1]
	if len(parts) > 1 {
		t.Application = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		t.Namespace = parts[0]
	}
	return t
}

func hostOf(protocol api.Protocol, rest string) Target {
	t := Target{Protocol: protocol, Host: rest, Port: map[api.Protocol]int32{port.HTTP: 80, port.HTTPS: 443}[protocol]}
	if host, number, ok := strings.Cut(rest, ":"); ok {
		n, _ := strconv.ParseInt(number, 10, 32) // the schema holds it to digits
		t.Host, t.Port = host, int32(n)
	}
	if strings.HasSuffix(t.Host, ".svc") {
		t.Host += strings.TrimPrefix(clusterDomain, ".svc")
	}
	return t
}

// Of tells whether a component of the application is meant.
func (t Target) Of(a *api.Application) bool {
	return t.Host == "" && t.Namespace == a.Namespace && t.Application == a.Name
}

// Outside tells whether a host outside of the mesh is meant.
func (t Target) Outside() bool { return t.Host != "" && !strings.HasSuffix(t.Host, clusterDomain) }

// namespace of a Service of the cluster that is named in full, such as name.namespace.svc.cluster.local.
func (t Target) namespace() string {
	service := strings.TrimSuffix(t.Host, clusterDomain)
	return service[strings.LastIndex(service, ".")+1:]
}

// address is the host, if it is an IP address.
func (t Target) address() string {
	if a, err := netip.ParseAddr(t.Host); err == nil {
		return a.String()
	}
	return ""
}

// wild tells whether many hosts are meant.
func (t Target) wild() bool { return strings.HasPrefix(t.Host, "*.") }

// telling tells whether calls say the host themselves, in a header or in the greeting of TLS. Of all others the mesh knows
// nothing but the port.
func (t Target) telling() bool {
	return port.IsHTTP(t.Protocol) || t.Protocol == port.HTTPS || t.Protocol == port.TLS
}

// Stream is the host outside, if calls to it are known by nothing but their port; else it is empty.
func (t Target) Stream() string {
	if !t.Outside() || t.telling() || t.address() != "" {
		return ""
	}
	return t.Host
}
