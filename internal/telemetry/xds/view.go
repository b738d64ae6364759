// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"weir.dev/weir/internal/mesh"
)

// view is what one push makes of a proxy, as far as it concerns where requests go.
type view struct {
	version version
	// second is when istiod made it, in Unix time by its own clock.
	second  int64
	gateway bool
	// clusters by name, and whether their endpoints are sent separately.
	clusters map[string]bool
	// endpoints is the number of usable ones in each cluster that the proxy has asked for.
	endpoints map[string]int
	hosts     []virtualHost
	// streams are the TCP proxies.
	streams []shares
}

// shares are weights by cluster name.
type shares = map[string]uint32

// virtualHost has its routes in the order in which they are tried.
type virtualHost struct {
	domains []string
	routes  []httpRoute
}

// httpRoute is one rule of a virtual host.
type httpRoute struct {
	// name is the one that the rule has in the mesh's configuration.
	name   string
	shares shares
	// mirrors are the clusters that copies go to.
	mirrors []string
}

// verdict is what a view says about one mesh.Route.
type verdict struct {
	// http and tcp tell by which kinds of configuration the proxy calls the host.
	http, tcp bool
	// missing says what differs from the route, empty when nothing does.
	missing string
}

// caller is true for a proxy that may send requests to the host.
func (v verdict) caller() bool { return v.http || v.tcp }

// good is true for a caller whose view is the route.
func (v verdict) good() bool { return v.caller() && v.missing == "" }

// judge compares the view with the route. The last route of a virtual host that leads to the host is the one for
// every request that no rule before it has picked: it must have the weights, and the name. The rules before it may pick
// whichever of the route's subsets they like, and any may copy to them: the name vouches for the rest, since it changes
// with whatever the rules say and all of them are written at once.
func (v view) judge(r mesh.Route) verdict {
	j := judgement{view: v, route: r, ports: map[string]bool{}}
	for _, h := range v.hosts {
		own := slices.ContainsFunc(h.domains, func(d string) bool { return d == r.Host || strings.HasPrefix(d, r.Host+":") })
		if j.host(h, own) {
			j.http = true
		}
	}
	for _, s := range v.streams {
		if j.stream(s) {
			j.tcp = true
		}
	}
	j.reach()
	return j.verdict
}

// judgement is a verdict in the making.
type judgement struct {
	verdict
	view  view
	route mesh.Route
	// ports by which the proxy calls the host.
	ports map[string]bool
}

func (j *judgement) miss(format string, args ...any) {
	if j.missing == "" {
		j.missing = fmt.Sprintf(format, args...)
	}
}

// host looks at one virtual host, and tells whether it leads to the host.
func (j *judgement) host(h virtualHost, own bool) bool {
	var last *httpRoute
	for i := range h.routes {
		r := &h.routes[i]
		if subsets, ports := j.toHost(r.shares); len(ports) > 0 && (own || named(subsets)) {
			last = r
			j.onlyKnown(subsets)
			for p := range ports {
				j.ports[p] = true
			}
			j.copies(r.mirrors)
		}
	}
	if last == nil {
		return false
	}
	if want := j.route.Name; want != "" && last.name != want && !strings.HasPrefix(last.name, want+".") {
		j.miss("the routes are called %q instead of %s", last.name, want)
	}
	j.exact(last.shares)
	return true
}

// copies looks at where a rule's copies go: to known subsets of the host, whose clusters exist.
func (j *judgement) copies(clusters []string) {
	for _, name := range clusters {
		c, ok := parseCluster(name)
		if !ok || c.host != j.route.Host {
			continue
		}
		j.onlyKnown(map[string]uint32{c.subset: 1})
		if _, exists := j.view.clusters[name]; !exists {
			j.miss("cluster %s, which copies go to, is missing", name)
		}
	}
}

// stream looks at one TCP proxy, and tells whether it leads to the host.
func (j *judgement) stream(s shares) bool {
	subsets, ports := j.toHost(s)
	if len(ports) == 0 || (j.view.gateway && !named(subsets)) {
		return false
	}
	for p := range ports {
		j.ports[p] = true
	}
	j.exact(s)
	return true
}

// toHost picks what leads to the host: the weights by subset, and the routed ports. When none of the ports is a routed
// one it is empty; when one is, the others count for the weights, since at a gateway versions may answer at different ports.
func (j *judgement) toHost(s shares) (subsets map[string]uint32, ports map[string]bool) {
	subsets, ports = map[string]uint32{}, map[string]bool{}
	for name, weight := range s {
		c, ok := parseCluster(name)
		if !ok || c.host != j.route.Host {
			continue
		}
		subsets[c.subset] += weight
		if j.routed(c.port) {
			ports[c.port] = true
		}
	}
	if len(ports) == 0 {
		return nil, nil
	}
	return subsets, ports
}

func (j *judgement) routed(port string) bool {
	return slices.ContainsFunc(j.route.Ports, func(p int32) bool { return strconv.Itoa(int(p)) == port })
}

// named is true when any subset is meant. A route of somebody else's to all versions of the host is none of ours.
func named(subsets map[string]uint32) bool {
	for subset := range subsets {
		if subset != "" {
			return true
		}
	}
	return false
}

func (j *judgement) onlyKnown(subsets map[string]uint32) {
	for _, subset := range slices.Sorted(maps.Keys(subsets)) {
		if weight := subsets[subset]; subset != "" && weight > 0 && j.route.Weights[subset] == 0 && !slices.Contains(j.route.Subsets, subset) {
			j.miss("a route leads to subset %s", subset)
		}
	}
}

// exact compares shares with the wanted weights. Envoy's weights need not sum to 100.
func (j *judgement) exact(s shares) {
	subsets, _ := j.toHost(s)
	var total, wanted uint64
	for _, weight := range s {
		total += uint64(weight)
	}
	for _, weight := range j.route.Weights {
		wanted += uint64(weight)
	}
	for _, subset := range slices.Sorted(maps.Keys(subsets)) {
		if weight := subsets[subset]; uint64(weight)*wanted != uint64(j.route.Weights[subset])*total {
			j.miss("subset %q has %d of %d", subset, subsets[subset], total)
		}
	}
	for _, subset := range slices.Sorted(maps.Keys(j.route.Weights)) {
		if j.route.Weights[subset] > 0 && subsets[subset] == 0 {
			j.miss("subset %q has no weight", subset)
		}
	}
}

// reach looks for the clusters of the weighted subsets, and for endpoints in those that have to be reachable.
//
// istiod shows the endpoints that it knows, which may still be waiting to be pushed. That is enough for a change of
// weights that is written later: within a connection istiod sends endpoints before routes, and what waits is merged
// into the push of the later change.
func (j *judgement) reach() {
	needed := slices.Concat(j.route.Subsets, slices.Sorted(maps.Keys(j.route.Weights)))
	for _, port := range slices.Sorted(maps.Keys(j.ports)) {
		for _, subset := range needed {
			name := cluster{port, subset, j.route.Host}.String()
			separate, exists := j.view.clusters[name]
			reachable := slices.Contains(j.route.Subsets, subset)
			switch {
			case !exists && j.route.Weights[subset] == 0 && (!reachable || j.filtered(port)):
			case !exists:
				j.miss("cluster %s is missing", name)
			case reachable && separate && j.view.endpoints[name] == 0:
				j.miss("cluster %s has no endpoints", name)
			}
		}
	}
}

// filtered is true for a gateway that is only sent the clusters its routes name (PILOT_FILTER_GATEWAY_CLUSTER_CONFIG):
// without that it would have the cluster of all versions.
func (j *judgement) filtered(port string) bool {
	_, whole := j.view.clusters[cluster{port, "", j.route.Host}.String()]
	return j.view.gateway && !whole
}

// cluster is the name Istio gives to a subset of a host at a port, seen from a caller.
type cluster struct{ port, subset, host string }

func (c cluster) String() string { return "outbound|" + c.port + "|" + c.subset + "|" + c.host }

func parseCluster(name string) (cluster, bool) {
	parts := strings.Split(name, "|")
	if len(parts) != 4 || parts[0] != "outbound" {
		return cluster{}, false
	}
	return cluster{port: parts[1], subset: parts[2], host: parts[3]}, true
}
