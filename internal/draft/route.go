// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"slices"
	"strings"

	api3 "istio.io/api/networking/v1alpha3"
	networking "istio.io/client-go/pkg/apis/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	api "weir.dev/weir/api/v1alpha1"
)

// aim is where a route leads: a Service, and pods of it alone when there is a subset.
type aim struct{ host, subset string }

// routes takes those over that the application's own can stand for. Of the others those stay that only name Services.
func (a *adopter) routes() {
	for _, v := range a.seen.Routes {
		if governed(v) {
			continue
		}
		aims := aimsOf(&v.Spec)
		inside, outside := a.touches(v, aims)
		why := a.beyond(v, aims)
		switch {
		case !inside && !outside:
		case why == "" && (outside || len(v.Spec.Gateways) == 0):
			a.take("VirtualService", v.Name)
			a.loosened(aims)
			if outside {
				a.route(v)
			}
		case inside || slices.ContainsFunc(aims, func(t aim) bool { return t.subset != "" && a.has(t.host) }):
			a.obstacle("", "VirtualService %s %s; simplify it, or leave out what it leads to with --except", v.Name, why)
		default:
			a.note("", "VirtualService %s stays, and leads in as before, since it %s", v.Name, why)
		}
	}
	for _, v := range a.around.Elsewhere {
		for _, t := range aimsOf(&v.Spec) {
			if name, rest, _ := strings.Cut(t.host, "."); t.subset != "" && strings.HasPrefix(rest, a.seen.Name) && a.has(name) {
				a.obstacle(name, "VirtualService %s/%s leads to its subset %s, which would have no pods; let it lead to the Service alone", v.Namespace,
					v.Name, t.subset)
			}
		}
	}
	a.gateways()
	a.ingresses()
}

// ingresses stay. What comes in by them passes by the sidecars of callers, at which versions are chosen, unless their
// controller has one.
func (a *adopter) ingresses() {
	for _, in := range a.seen.Ingresses {
		for _, rule := range in.Spec.Rules {
			if rule.HTTP == nil {
				continue
			}
			for _, p := range rule.HTTP.Paths {
				if p.Backend.Service == nil || !a.has(p.Backend.Service.Name) {
					continue
				}
				n := Note{p.Backend.Service.Name, "Ingress " + in.Name + " stays, and leads in as before; unless its controller has a sidecar, " +
					"such requests go to pods of all versions alike, whatever a release wants: expose the component, and let them come in there"}
				if !slices.Contains(a.Notes, n) {
					a.Notes = append(a.Notes, n)
				}
			}
		}
	}
}

// loosened tells of versions that routes choose among, and that are not told apart while their Service changes its pods.
func (a *adopter) loosened(aims []aim) {
	for _, t := range aims {
		name, _, _ := strings.Cut(t.host, ".")
		if t.subset == "" || len(a.made[name]) < 2 || !a.apart(name) {
			continue
		}
		n := Note{name, "its Service selects by labels that new pods have otherwise, so for some seconds requests go to all of " +
			"its old pods, whatever version routes choose"}
		if !slices.Contains(a.Notes, n) {
			a.Notes = append(a.Notes, n)
		}
	}
}

// apart tells whether the component's Service, as it is, would not find the new pods.
func (a *adopter) apart(name string) bool {
	for _, s := range a.seen.Services {
		for _, c := range a.Application.Spec.Components {
			if s.Name == name && c.Name == name && c.Kind != api.StatefulSet {
				return !labels.SelectorFromSet(s.Spec.Selector).Matches(a.labels(c))
			}
		}
	}
	return false
}

// touches tells whether callers in the mesh go by the routes on their way to a component, and callers from outside.
func (a *adopter) touches(v *networking.VirtualService, aims []aim) (inside, outside bool) {
	mesh := len(v.Spec.Gateways) == 0 || slices.Contains(v.Spec.Gateways, "mesh")
	inside = mesh && slices.ContainsFunc(v.Spec.Hosts, a.has)
	outside = slices.ContainsFunc(v.Spec.Gateways, func(g string) bool { return g != "mesh" }) &&
		slices.ContainsFunc(aims, func(t aim) bool { return a.has(t.host) })
	return inside, outside
}

// has tells whether the host is a component, by any of its names.
func (a *adopter) has(host string) bool {
	name, rest, dotted := strings.Cut(host, ".")
	here := !dotted || rest == a.seen.Name || strings.HasPrefix(rest, a.seen.Name+".svc")
	return here && slices.ContainsFunc(a.Application.Spec.Components, func(c api.Component) bool { return c.Name == name })
}

// beyond says what of the routes a component cannot say; empty when there is nothing.
func (a *adopter) beyond(v *networking.VirtualService, aims []aim) string {
	for _, t := range aims {
		if !a.has(t.host) {
			return "leads to " + t.host + ", which is no component"
		}
	}
	gateways := slices.DeleteFunc(slices.Clone(v.Spec.Gateways), func(g string) bool { return g == "mesh" })
	if len(gateways) > 0 && len(gateways) < len(v.Spec.Gateways) {
		return "serves callers inside and outside at once"
	}
	for _, g := range gateways {
		if why := a.strange(g); why != "" {
			return why
		}
	}
	if len(v.Spec.Tls) > 0 || len(v.Spec.Tcp) > 0 && len(gateways) > 0 {
		return "leads connections in, not requests"
	}
	for _, r := range v.Spec.Http {
		if r.Rewrite != nil || r.Redirect != nil || r.DirectResponse != nil || r.Timeout != nil || r.Retries != nil || r.Fault != nil ||
			r.CorsPolicy != nil || r.Headers != nil || r.Mirror != nil || len(r.Mirrors) > 0 || r.Delegate != nil {
			return "does more than send requests on"
		}
		if !slices.ContainsFunc(r.Match, func(m *api3.HTTPMatchRequest) bool { return !plain(m) }) {
			continue
		}
		return "tells requests apart by more than their path"
	}
	return ""
}

// plain tells whether the match looks at a path alone.
func plain(m *api3.HTTPMatchRequest) bool {
	return m.Uri.GetRegex() == "" && len(m.Headers)+len(m.QueryParams)+len(m.SourceLabels)+len(m.WithoutHeaders)+len(m.Gateways) == 0 &&
		m.Method == nil && m.Authority == nil && m.Scheme == nil && m.SourceNamespace == "" && m.Port == 0 && !m.IgnoreUriCase
}

// strange says why the gateway cannot be the application's; empty when it can.
func (a *adopter) strange(name string) string {
	namespace, short, dotted := strings.Cut(name, "/")
	if !dotted {
		namespace, short = a.seen.Name, name
	}
	i := slices.IndexFunc(a.seen.Gateways, func(g *networking.Gateway) bool { return g.Name == short })
	if namespace != a.seen.Name || i < 0 {
		return "comes in by gateway " + name + ", which is not in this namespace"
	}
	for _, s := range a.seen.Gateways[i].Spec.Servers {
		if s.Tls != nil || s.GetPort().GetNumber() != 80 && s.GetPort().GetNumber() != 8080 {
			return "comes in by gateway " + name + ", which serves more than plain HTTP"
		}
	}
	return ""
}

// gateways go when all routes that come in by them do.
func (a *adopter) gateways() {
	for _, g := range a.seen.Gateways {
		if governed(g) {
			continue
		}
		used, stays := false, false
		for _, v := range a.seen.Routes {
			if !slices.ContainsFunc(v.Spec.Gateways, func(n string) bool { return n == g.Name || n == a.seen.Name+"/"+g.Name }) {
				continue
			}
			taken := slices.Contains(a.Application.Spec.TakesOver, api.Taken{Kind: "VirtualService", Name: v.Name})
			used, stays = used || taken, stays || !taken
		}
		if used && !stays {
			a.take("Gateway", g.Name)
		}
	}
}

// rules go, or become the component's. Those that say how calls are made stay, unless they have the component's name: then
// that is kept.
func (a *adopter) rules() {
	for _, r := range a.around.Rules {
		if governed(r) || !a.has(r.Spec.Host) {
			continue
		}
		name, _, _ := strings.Cut(r.Spec.Host, ".")
		i := slices.IndexFunc(a.Application.Spec.Components, func(c api.Component) bool { return c.Name == name })
		c := a.Application.Spec.Components[i]
		routed := c.SideBySide() && c.Meshed() && len(c.Ports) > 0
		says := r.Spec.TrafficPolicy != nil || slices.ContainsFunc(r.Spec.Subsets, func(s *api3.Subset) bool { return s.TrafficPolicy != nil })
		switch {
		case r.Name == name && routed || !says:
			a.take("DestinationRule", r.Name)
		default:
			a.note(name, "DestinationRule %s stays, since it says how calls are made", r.Name)
		}
	}
}

// aimsOf are all destinations of the routes.
func aimsOf(v *api3.VirtualService) []aim {
	var out []aim
	add := func(d *api3.Destination) {
		if d != nil {
			out = append(out, aim{d.Host, d.Subset})
		}
	}
	for _, r := range v.Http {
		for _, d := range r.Route {
			add(d.Destination)
		}
		add(r.Mirror)
	}
	for _, r := range v.Tcp {
		for _, d := range r.Route {
			add(d.Destination)
		}
	}
	for _, r := range v.Tls {
		for _, d := range r.Route {
			add(d.Destination)
		}
	}
	return out
}
