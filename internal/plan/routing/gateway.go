// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
)

const (
	// everyHost is the host that answers whatever name was asked for.
	everyHost = "*"
	// outsideSuffix follows the application's name in the name of the way in.
	outsideSuffix = "-gateway"
)

// entry is one path of one exposed component.
type entry struct {
	component Component
	path      string
	shares    []share
	// others are paths that somebody else answers.
	others []string
}

// group is hosts that are answered alike and that no name has in common.
type group struct {
	hosts   []string
	entries []entry
	key     string
}

// Outside shares the requests from outside among the exposed components, the longest path first. Hosts that are answered
// alike have one VirtualService together, unless one includes the other: Istio refuses such hosts side by side. Elsewhere are
// the paths that other applications answer, by host. Of one host Istio tries the routes of the older application first, all
// but those that take everything: without them, whatever else is asked for at / would be taken from the others.
func Outside(a *api.Application, components []Component, elsewhere map[string][]string) []*istio.VirtualService {
	var out []*istio.VirtualService
	for i, g := range groupsOf(components) {
		var others []string
		for _, host := range g.hosts {
			others = append(others, elsewhere[host]...)
		}
		slices.Sort(others)
		for j := range g.entries {
			g.entries[j].others = slices.Compact(others)
		}
		out = append(out, outside(a, outsideName(a, components, g.hosts, i), g.hosts, g.entries))
	}
	return out
}

func groupsOf(components []Component) []group {
	var groups []group
	for _, host := range hostsOf(components) {
		entries := entriesAt(host, components)
		if len(entries) == 0 {
			continue
		}
		key := keyOf(entries)
		i := slices.IndexFunc(groups, func(g group) bool { return g.key == key && !g.overlaps(host) })
		if i < 0 {
			groups = append(groups, group{hosts: []string{host}, entries: entries, key: key})
			continue
		}
		groups[i].hosts = append(groups[i].hosts, host)
	}
	return groups
}

func (g group) overlaps(host string) bool {
	return slices.ContainsFunc(g.hosts, func(other string) bool { return Overlap(host, other) })
}

// Overlap tells whether a name can be meant by both hosts.
func Overlap(a, b string) bool { return answers([]string{a}, b) || answers([]string{b}, a) }

func outside(a *api.Application, name string, hosts []string, entries []entry) *istio.VirtualService {
	vs := &istio.VirtualService{
		TypeMeta:   typeMeta("VirtualService"),
		ObjectMeta: owner.Meta(a, "", name),
		Spec:       networking.VirtualService{Hosts: hosts, Gateways: []string{a.Namespace + "/" + a.Name}},
	}
	for _, e := range entries {
		routes := e.way().routes(a)
		for _, r := range routes {
			r.CorsPolicy = cors(e.component.Expose.CORS)
		}
		vs.Spec.Http = append(vs.Spec.Http, routes...)
	}
	return vs
}

// way is the one by which requests for the path come from outside.
func (e entry) way() way {
	return way{
		component: e.component, name: e.component.RouteName(), suffix: e.path, outside: true, prefix: e.path, others: e.others,
		shares: e.shares, portOf: e.component.exposedBy,
	}
}

// outsideName is <application>-gateway, made different from the names of components and of other groups of hosts.
func outsideName(a *api.Application, components []Component, hosts []string, group int) string {
	name := a.Name + outsideSuffix
	if group > 0 {
		sum := sha256.Sum256([]byte(strings.Join(hosts, " ")))
		name += "-" + hex.EncodeToString(sum[:])[:8]
	}
	for slices.ContainsFunc(components, func(c Component) bool { return c.Name == name }) {
		name += outsideSuffix
	}
	return name
}

// hostsOf returns every host name of the exposed components, sorted.
func hostsOf(components []Component) []string {
	var out []string
	for _, c := range components {
		out = append(out, hostsOfOne(c)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hostsOfOne are those of one component; none when it answers no requests from outside.
func hostsOfOne(c Component) []string {
	switch {
	case c.Expose == nil || c.Expose.TCP != 0:
		return nil
	case len(c.Expose.Hosts) == 0:
		return []string{everyHost}
	default:
		return c.Expose.Hosts
	}
}

// entriesAt returns what answers at a host, the longest path first.
func entriesAt(host string, components []Component) []entry {
	var out []entry
	for _, c := range components {
		if c.Expose == nil || c.Expose.TCP != 0 || !answers(c.Expose.Hosts, host) {
			continue
		}
		shares := c.sharesOutside()
		if len(shares) == 0 {
			continue
		}
		for _, path := range pathsOf(c.Expose) {
			out = append(out, entry{component: c, path: path, shares: shares})
		}
	}
	slices.SortStableFunc(out, func(a, b entry) int {
		return cmp.Or(cmp.Compare(len(b.path), len(a.path)), strings.Compare(a.path, b.path))
	})
	return out
}

// pathsOf returns the prefixes; "" stands for every path.
func pathsOf(e *api.Expose) []string {
	if len(e.Paths) == 0 {
		return []string{""}
	}
	out := slices.Clone(e.Paths)
	for i := range out {
		if out[i] == "/" {
			out[i] = ""
		}
	}
	return out
}

// answers tells whether host names, of which none means all, include the host.
func answers(names []string, host string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool {
		return name == everyHost || name == host || strings.HasPrefix(name, "*.") && strings.HasSuffix(host, name[1:])
	})
}

func keyOf(entries []entry) string {
	var key strings.Builder
	for _, e := range entries {
		key.WriteString(e.component.Name + " " + e.path + "\n")
	}
	return key.String()
}
