// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"cmp"
	"slices"

	networking "istio.io/api/networking/v1alpha3"

	"weir.dev/weir/internal/plan/port"
)

// share is one destination of a route.
type share struct {
	subset string
	port   int32
	weight int32
}

func (s share) destination(host string) *networking.Destination {
	return &networking.Destination{
		Host: host, Subset: s.subset, Port: &networking.PortSelector{Number: uint32(s.port)},
	}
}

// sharesAt returns who answers on a port in the mesh. Versions that do not listen on it are left out and their part goes to
// the others; a port that only versions without weight have goes to the first of them, since nobody else could answer.
func (c Component) sharesAt(number int32) []share {
	var out []share
	for _, v := range c.Versions {
		if v.Weight != 0 && port.Has(v.Ports, number) {
			out = append(out, share{subset: v.Name, port: number, weight: v.Weight})
		}
	}
	if len(out) > 0 {
		return c.fill(out)
	}
	for _, v := range c.Versions {
		if v.Subset && v.Pods && port.Has(v.Ports, number) {
			return []share{{subset: v.Name, port: number, weight: whole}}
		}
	}
	return nil
}

// sharesOutside returns who answers requests from outside, each version at its own exposed port: the port may change from
// one version to the next.
func (c Component) sharesOutside() []share {
	var out []share
	for _, v := range c.Versions {
		if number, ok := c.exposedBy(v); ok && v.Weight != 0 {
			out = append(out, share{subset: v.Name, port: number, weight: v.Weight})
		}
	}
	if c.Routed() {
		return c.fill(out)
	}
	if len(out) == 0 {
		return nil
	}
	return []share{{port: out[0].port, weight: whole}}
}

func (c Component) exposedBy(v Version) (int32, bool) {
	if c.Expose.Port != 0 && port.Has(v.Ports, c.Expose.Port) {
		return c.Expose.Port, true
	}
	if streams := port.Streams(v.Ports); c.Expose.TCP != 0 && len(streams) > 0 {
		return streams[0].Port, true
	}
	return port.First(v.Ports)
}

// fill gives the part of versions that were left out to those that stay, in proportion. Nothing left out, nothing changes:
// then a wrong sum stays wrong for Check to see.
func (c Component) fill(shares []share) []share {
	var sum, all int32
	for _, s := range shares {
		sum += s.weight
	}
	for _, v := range c.Versions {
		all += v.Weight
	}
	if sum == all || sum <= 0 {
		return shares
	}
	return scale(shares, whole)
}

// scale makes the weights sum to total; what rounding loses goes to the greatest remainders.
func scale(shares []share, total int32) []share {
	var sum int32
	for _, s := range shares {
		sum += s.weight
	}
	left := total
	order := make([]int, len(shares))
	rest := make([]int32, len(shares))
	for i := range shares {
		order[i], rest[i] = i, shares[i].weight*total%sum
		shares[i].weight = shares[i].weight * total / sum
		left -= shares[i].weight
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:left] {
		shares[i].weight++
	}
	return slices.DeleteFunc(shares, func(s share) bool { return s.weight == 0 })
}

// AllListen tells whether every version with weight listens on the port.
func (c Component) AllListen(number int32) bool {
	return !slices.ContainsFunc(c.Versions, func(v Version) bool { return v.Weight != 0 && !port.Has(v.Ports, number) })
}
