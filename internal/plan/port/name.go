// SPDX-License-Identifier: Apache-2.0

package port

import (
	"strconv"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
)

// Carried is the protocol the mesh is told. https and tls are carried as tcp: Istio would pick their routes by the name in
// the TLS greeting alone, and refuse every caller that uses a short name or none.
func Carried(p api.Protocol) api.Protocol {
	if p == HTTPS || p == TLS {
		return TCP
	}
	return p
}

// Name is the port's name in containers, and in Services unless the user gave it one: the protocol and the number.
func Name(p api.Port) string {
	return string(Carried(p.Protocol)) + "-" + strconv.Itoa(int(p.Port))
}

// Names are those of the ports in a Service, such as http-9080, or http-api for a port named api. Each is there once; a
// name that is taken is left out for the number.
func Names(ports []api.Port) []string {
	out := make([]string, len(ports))
	taken := map[string]bool{}
	for i, p := range ports {
		out[i] = Name(p)
		if name := spoken(p); name != "" && !taken[name] {
			out[i] = name
		}
		taken[out[i]] = true
	}
	return out
}

// spoken is the protocol and the user's name; empty when there is none. A name that is a number would be another port's.
func spoken(p api.Port) string {
	rest := p.Name
	if said, ok := fromName(p.Name); ok {
		rest = strings.TrimPrefix(strings.TrimPrefix(p.Name, string(said)), "-")
	}
	if rest == "" || strings.Trim(rest, "0123456789") == "" {
		return ""
	}
	name := string(Carried(p.Protocol)) + "-" + rest
	if said, _ := fromName(name); said != Carried(p.Protocol) {
		return "" // grpc and web make grpc-web
	}
	return name
}
