// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	api "weir.dev/weir/api/v1alpha1"
)

// way is one place by which requests come to a component: a port in the mesh, or a path at the gateway.
type way struct {
	component Component
	// name of the component's routes, and what tells this way's from the others'.
	name, suffix string
	// outside is true at the gateway.
	outside bool
	// port and prefix that the way's requests have; 0 and "" when they are not looked at.
	port   uint32
	prefix string
	// others are paths below the prefix that somebody else answers.
	others []string
	// shares of the requests that no rule picks.
	shares []share
	// portOf is where a version answers this way.
	portOf func(Version) (int32, bool)
}

// rule is a route in the making.
type rule struct {
	// kind tells the rule's route from the others of the way; empty for the last.
	kind    string
	matches []*networking.HTTPMatchRequest
	// cookie that picks the requests, besides the way's own conditions.
	cookie string
	shares []share
	// copied is true when the requests are to be mirrored, if any are. Those that the new version answers are not.
	copied bool
	mark   func(*networking.HTTPRouteDestination)
}

// routes are the way's, in the order in which they are tried: the user's matches, the cohorts, and the rest by weight.
func (w way) routes(a *api.Application) []*networking.HTTPRoute {
	var out []*networking.HTTPRoute
	for _, r := range w.rules(a) {
		out = append(out, w.expand(a, r)...)
	}
	return out
}

func (w way) rules(a *api.Application) []rule {
	var out []rule
	last := rule{shares: w.shares, copied: true}
	for _, v := range w.component.Versions {
		number, ok := w.portOf(v)
		if !ok {
			continue
		}
		if picks := w.picks(a, v.Match); len(picks) > 0 {
			to := []share{{subset: v.Name, port: number, weight: whole}}
			out = append(out, rule{kind: "match", matches: picks, shares: to})
		}
	}
	for _, v := range w.component.Versions {
		c := w.cohortsOf(v)
		if c == nil {
			continue
		}
		last.mark = c.mark
		for _, r := range c.rules(w) {
			r.matches, r.mark = []*networking.HTTPMatchRequest{w.withCookie(c.Cookie, r.cookie)}, c.mark
			out = append(out, r)
		}
		break
	}
	if w.port != 0 || w.prefix != "" {
		last.matches = []*networking.HTTPMatchRequest{w.bound()}
	}
	return append(out, last)
}

// expand makes the rule's route; two when only the safe ones of its requests are mirrored.
func (w way) expand(a *api.Application, r rule) []*networking.HTTPRoute {
	route := w.route(a, r)
	target, mirror := w.mirrored()
	others := slices.ContainsFunc(r.shares, func(s share) bool { return s.subset != target.subset })
	if mirror == nil || !r.copied || !others {
		return []*networking.HTTPRoute{route}
	}
	if mirror.Methods == api.MirrorAll {
		addMirror(route, target, mirror)
		return []*networking.HTTPRoute{route}
	}
	r.kind, r.matches = strings.TrimPrefix(r.kind+".mirror", "."), w.safe(r.matches)
	safe := w.route(a, r)
	addMirror(safe, target, mirror)
	return []*networking.HTTPRoute{safe, route}
}

func (w way) route(a *api.Application, r rule) *networking.HTTPRoute {
	parts := slices.DeleteFunc([]string{w.name, w.suffix, r.kind}, func(s string) bool { return s == "" })
	route := &networking.HTTPRoute{Name: strings.Join(parts, "."), Match: r.matches}
	for _, s := range r.shares {
		d := &networking.HTTPRouteDestination{Destination: s.destination(Host(a.Namespace, w.component.Name)), Weight: s.weight}
		if r.mark != nil {
			r.mark(d)
		}
		route.Route = append(route.Route, d)
	}
	return route
}

// mirrored returns where copies go on this way, and which; nil when none are wanted.
func (w way) mirrored() (share, *api.Mirror) {
	for _, v := range w.component.Versions {
		if number, ok := w.portOf(v); ok && v.Mirror != nil {
			return share{subset: v.Name, port: number}, v.Mirror
		}
	}
	return share{}, nil
}

func addMirror(route *networking.HTTPRoute, to share, m *api.Mirror) {
	percent := m.Percent
	if percent == 0 {
		percent = whole
	}
	host := route.Route[0].Destination.Host
	route.Mirrors = []*networking.HTTPMirrorPolicy{{
		Destination: to.destination(host), Percentage: &networking.Percent{Value: float64(percent)},
	}}
}
