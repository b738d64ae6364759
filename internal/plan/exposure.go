// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

const (
	plainScheme, secureScheme, streamScheme = "http://", "https://", "tcp://"
	everyHost                               = "*"
)

// Claims are what the component is to answer at the gateway: each path at each host, as http://shop.example/cart or, with a
// certificate, https://shop.example/cart, or a port, as tcp://*:5432.
func Claims(c api.Component) []string {
	if c.Expose == nil {
		return nil
	}
	if c.Expose.TCP != 0 {
		return []string{streamScheme + everyHost + ":" + strconv.Itoa(int(c.Expose.TCP))}
	}
	scheme, hosts, paths := plainScheme, c.Expose.Hosts, c.Expose.Paths
	if c.Expose.TLS != nil {
		scheme = secureScheme
	}
	if len(hosts) == 0 {
		hosts = []string{everyHost}
	}
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	var out []string
	for _, host := range hosts {
		for _, path := range paths {
			out = append(out, scheme+host+path)
		}
	}
	return out
}

// AllClaims are those of all components, sorted.
func AllClaims(a *api.Application) []string {
	var out []string
	for _, c := range a.Spec.Components {
		out = append(out, Claims(c)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Addresses are where the component answers: its first path at each of its hosts. Where it answers every host, that is the
// gateway's own, if it is known.
func Addresses(c api.Component, gateway string) []string {
	var out []string
	last := ""
	for _, claim := range Claims(c) {
		scheme, host, path := split(claim)
		if host == last {
			continue
		}
		last = host
		if name, number, _ := strings.Cut(host, ":"); name == everyHost && gateway != "" {
			host = strings.TrimSuffix(gateway+":"+number, ":")
		}
		out = append(out, strings.TrimPrefix(scheme, plainScheme)+host+path)
	}
	return out
}

// Places are the hosts, and the ports, of claims. Claims can collide only at a place that they share.
func Places(claims []string) []string {
	var out []string
	for _, claim := range claims {
		_, host, _ := split(claim)
		out = append(out, host)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func split(claim string) (scheme, host, path string) {
	scheme, rest, _ := strings.Cut(claim, "://")
	if at := strings.IndexByte(rest, '/'); at >= 0 {
		return scheme + "://", rest[:at], rest[at:]
	}
	return scheme + "://", rest, ""
}

// Collisions are the claims of the application that another one has, and had first: what it already answers itself stays its
// own. The gateway would follow the older of two, and say nothing. Who names no host has claimed none: of two that answer
// every host both are warned, see Shared.
func Collisions(a *api.Application, others []api.Application) []error {
	var faults []error
	for _, c := range a.Spec.Components {
		for _, claim := range Claims(c) {
			if _, host, _ := split(claim); host == everyHost || slices.Contains(a.Status.Exposed, claim) {
				continue
			}
			if by, what := holder(a, claim, others); by != "" {
				faults = append(faults, fmt.Errorf("spec.components[%s].expose: application %s answers %s already, so %s cannot be answered as well; "+
					"choose another %s", c.Name, by, what, claim, choice(claim)))
			}
		}
	}
	return faults
}

// Shared tells, by component, which other application answers what it answers too: two that came at the same time, or that
// answer every host.
func Shared(a *api.Application, others []api.Application) map[string][]string {
	out := map[string][]string{}
	for _, c := range a.Spec.Components {
		for _, claim := range Claims(c) {
			if by, what := holder(a, claim, others); by != "" && slices.Contains(a.Status.Exposed, claim) {
				out[c.Name] = append(out[c.Name],
					fmt.Sprintf("application %s answers %s as well, and the gateway follows one of the two; choose another %s",
						by, what, choice(claim)))
			}
		}
	}
	return out
}

// Elsewhere are the paths that others answer at hosts of the application, by host, sorted. What is answered as / itself gives
// way to them.
func Elsewhere(a *api.Application, others []api.Application) map[string][]string {
	out := map[string][]string{}
	hosts := Places(AllClaims(a))
	for i := range others {
		for _, claim := range others[i].Status.Exposed {
			_, host, path := split(claim)
			own := others[i].Namespace == a.Namespace && others[i].Name == a.Name
			if !own && len(path) > 1 && slices.Contains(hosts, host) && !slices.Contains(out[host], path) {
				out[host] = append(out[host], path)
				slices.Sort(out[host])
			}
		}
	}
	return out
}

func choice(claim string) string {
	if strings.HasPrefix(claim, streamScheme) {
		return "port"
	}
	return "host or path"
}

// holder is who of the others has a claim that collides, as namespace/name, and that claim.
func holder(a *api.Application, claim string, others []api.Application) (by, what string) {
	for i := range others {
		o := &others[i]
		if o.Namespace == a.Namespace && o.Name == a.Name {
			continue
		}
		for _, other := range o.Status.Exposed {
			if Collide(claim, other) {
				return o.Namespace + "/" + o.Name, other
			}
		}
	}
	return "", ""
}

// Collide tells whether not both can be answered. Hosts with a star give way to full ones, and the path / to longer ones. Of
// other paths that begin alike one would take requests of the other's. Of HTTPS a host has one certificate.
func Collide(a, b string) bool {
	scheme, host, path := split(a)
	otherScheme, otherHost, otherPath := split(b)
	if host != otherHost {
		return false
	}
	if scheme != plainScheme || otherScheme != plainScheme || path == otherPath {
		return true
	}
	return path != "/" && otherPath != "/" && (strings.HasPrefix(path, otherPath) || strings.HasPrefix(otherPath, path))
}

// checkOutside finds what components of one application cannot have together at the gateway.
func checkOutside(a *api.Application) []error {
	var faults []error
	secrets, ports := map[string]api.Component{}, map[int32]string{}
	for _, c := range a.Spec.Components {
		switch {
		case c.Expose == nil:
		case c.Expose.TCP != 0:
			if other, taken := ports[c.Expose.TCP]; taken {
				faults = append(faults,
					fmt.Errorf("spec.components[%s].expose.tcp: %d is the port of %s already; choose another", c.Name, c.Expose.TCP, other))
			}
			ports[c.Expose.TCP] = c.Name
		case c.Expose.TLS != nil:
			for _, host := range Places(Claims(c)) {
				if other, known := secrets[host]; known && other.Expose.TLS.Secret != c.Expose.TLS.Secret {
					faults = append(faults, fmt.Errorf("spec.components[%s].expose.tls.secret: %s has the certificate %s by component %s; a host has one",
						c.Name, host, other.Expose.TLS.Secret, other.Name))
				}
				secrets[host] = c
			}
		}
	}
	return faults
}

// checkStream finds a port that no connection can be passed on to.
func checkStream(c api.Component) []error {
	streams := port.Streams(port.Resolve(c))
	switch {
	case len(streams) == 0:
		return []error{fmt.Errorf("expose.tcp: the component has no port that connections are made to; list one under ports")}
	case c.Expose.Port != 0 && !port.Has(streams, c.Expose.Port):
		return []error{fmt.Errorf("expose.port: connections are not made to port %d, which takes datagrams; name another", c.Expose.Port)}
	}
	return nil
}
