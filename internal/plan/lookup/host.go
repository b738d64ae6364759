// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"cmp"
	"slices"
	"strings"

	istio "istio.io/client-go/pkg/apis/networking/v1"
)

const (
	// insideMesh stands for all sidecars where a VirtualService names its gateways.
	insideMesh = "mesh"
	everyHost  = "*"
)

// bound are the VirtualServices whose routes a proxy goes through for the request, the oldest first, and the host by which
// it finds them. A proxy takes the host that says most, and looks at no other.
func (r Request) bound(services []*istio.VirtualService) ([]*istio.VirtualService, string) {
	var best string
	var out []*istio.VirtualService
	for _, vs := range services {
		if !r.sees(vs) {
			continue
		}
		for _, host := range vs.Spec.Hosts {
			full := fullName(host, vs.Namespace)
			switch {
			case !meant(full, r.Host):
			case len(out) == 0 || says(full) > says(best):
				best, out = full, []*istio.VirtualService{vs}
			case full == best && out[len(out)-1] != vs:
				out = append(out, vs)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *istio.VirtualService) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	return out, best
}

// sees tells whether the VirtualService is for the proxy that the request comes to.
func (r Request) sees(vs *istio.VirtualService) bool {
	inside := len(vs.Spec.Gateways) == 0 || slices.Contains(vs.Spec.Gateways, insideMesh)
	outside := slices.ContainsFunc(vs.Spec.Gateways, func(g string) bool { return g != insideMesh })
	if r.Outside {
		return outside
	}
	return inside && (len(vs.Spec.ExportTo) == 0 || slices.ContainsFunc(vs.Spec.ExportTo, func(to string) bool {
		return to == "*" || to == r.Namespace || to == "." && vs.Namespace == r.Namespace
	}))
}

// fullName is the name that Istio takes a host without a dot for.
func fullName(host, namespace string) string {
	if host == everyHost || strings.Contains(host, ".") {
		return host
	}
	return host + "." + namespace + ".svc.cluster.local"
}

// meant tells whether the host, which may begin with a star, is asked for by the name.
func meant(host, asked string) bool {
	return host == everyHost || host == asked || strings.HasPrefix(host, "*.") && strings.HasSuffix(asked, host[1:])
}

// says is how much a host tells: the whole name says more than its end, and that more than a star.
func says(host string) int {
	switch {
	case host == everyHost:
		return 0
	case strings.HasPrefix(host, "*."):
		return len(host)
	default:
		return 1 << 20
	}
}
