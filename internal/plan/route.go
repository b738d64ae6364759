// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/routing"
)

// Route returns what every caller's proxy serves once the plan's objects have reached it, to be held against what proxies
// hold. Ports are those that every version with weight listens on, since only there the weights are the wanted ones; there
// are none when a version moved all its ports. It is false when the component has no routes.
func Route(namespace string, c Component) (mesh.Route, bool) {
	frozen, err := c.frozen()
	if err != nil {
		return mesh.Route{}, false
	}
	r := c.routing(frozen)
	if !r.Routed() {
		return mesh.Route{}, false
	}
	out := mesh.Route{Host: routing.Host(namespace, r.Name), Namespace: namespace, Weights: map[string]int32{}}
	for _, v := range r.Versions {
		if v.Subset {
			out.Subsets = append(out.Subsets, v.Name)
		}
		if v.Weight != 0 {
			out.Weights[v.Name] = v.Weight
		}
		out.Picked = out.Picked || len(v.Match) > 0 || v.Cohorts != nil
	}
	slices.Sort(out.Subsets)
	for _, p := range r.Ports {
		if port.IsHTTP(p.Protocol) {
			out.Name = r.RouteName()
		}
		if r.AllListen(p.Port) {
			out.Ports = append(out.Ports, p.Port)
		}
	}
	return out, true
}
