// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	networking "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// ports are those of the Service, each with what is spoken on it as far as anybody says so.
func (w *drafter) ports(name string, s *corev1.Service, main source) []api.Port {
	var out []api.Port
	own := ownContainer(name, main)
	for _, p := range s.Spec.Ports {
		if p.Protocol == corev1.ProtocolSCTP || port.Has(out, p.Port) {
			w.note(name, "port %d over %s is left out; a component has each number once, over TCP or UDP", p.Port, p.Protocol)
			continue
		}
		made := api.Port{Port: p.Port, Target: target(p.TargetPort, own), Protocol: spoken(p.Name, ptr.Deref(p.AppProtocol, ""))}
		if p.Protocol == corev1.ProtocolUDP {
			made.Protocol = port.UDP
		}
		if made.Target == made.Port {
			made.Target = 0
		}
		if made.Target == 0 && p.TargetPort.Type == intstr.String && target(p.TargetPort, own) == 0 {
			w.note(name, "no container names a port %s, which Service %s leads to", p.TargetPort.StrVal, s.Name)
		}
		if made.Protocol == "" && port.Find(made, false) == port.Find(api.Port{Port: 1}, false) {
			w.note(name, "nobody says what port %d speaks, so it is carried as TCP; if it is HTTP, write protocol: "+
				"http, or requests cannot be told apart", p.Port)
		}
		out = append(out, made)
	}
	return out
}

// spoken is the protocol that a port's appProtocol or name tells; empty when neither does.
func spoken(name, appProtocol string) api.Protocol {
	const untold = 1 // by custom, nobody speaks at this number
	found := port.Find(api.Port{Port: untold, Name: name, AppProtocol: appProtocol}, false)
	if found == port.Find(api.Port{Port: untold}, false) {
		return ""
	}
	return found.Protocol
}

func target(t intstr.IntOrString, own corev1.Container) int32 {
	if t.Type == intstr.Int {
		return t.IntVal
	}
	for _, p := range own.Ports {
		if p.Name == t.StrVal {
			return p.ContainerPort
		}
	}
	return 0
}

// relate finds callers by names in variables and arguments.
func (w *drafter) relate() {
	var names []string
	for _, c := range w.Application.Spec.Components {
		names = append(names, c.Name)
	}
	guessed := false
	for i := range w.Application.Spec.Components {
		c := &w.Application.Spec.Components[i]
		for _, s := range w.made[c.Name] {
			for _, other := range slices.Sorted(maps.Keys(mentions(texts(s), names))) {
				if other != c.Name && !slices.Contains(c.Uses, other) {
					c.Uses = append(c.Uses, other)
					guessed = true
				}
			}
		}
		slices.Sort(c.Uses)
	}
	if len(names) > 1 && !guessed {
		w.note("", "nothing tells who calls whom; write it under uses, since a release takes effect at the callers")
	}
}

// texts are the values in which a workload may name whom it calls.
func texts(s source) []string {
	var out []string
	for _, c := range s.pods.Spec.Containers {
		out = append(out, c.Command...)
		out = append(out, c.Args...)
		for _, e := range c.Env {
			out = append(out, e.Value)
			if strings.HasSuffix(strings.ToUpper(e.Name), "HOST") || strings.HasSuffix(strings.ToUpper(e.Name), "HOSTNAME") {
				out = append(out, "http://"+e.Value)
			}
		}
	}
	return out
}

// ways carries over the ways in that are routes of a gateway or an Ingress. The first that leads to a component counts.
func (w *drafter) ways() {
	for _, route := range w.seen.Routes {
		if !governed(route) && slices.ContainsFunc(route.Spec.Gateways, func(g string) bool { return g != "mesh" }) {
			w.route(route)
		}
	}
	for _, in := range w.seen.Ingresses {
		for _, rule := range in.Spec.Rules {
			if rule.HTTP == nil {
				continue
			}
			for _, p := range rule.HTTP.Paths {
				if p.Backend.Service != nil {
					w.expose(p.Backend.Service.Name, rule.Host, p.Path)
					w.note(p.Backend.Service.Name, "Ingress %s leads to it; once it is exposed by Weir's gateway, take that out", in.Name)
				}
			}
		}
	}
}

func (w *drafter) route(v *networking.VirtualService) {
	for _, r := range v.Spec.Http {
		for _, d := range r.Route {
			name, _, _ := strings.Cut(d.GetDestination().GetHost(), ".")
			for _, host := range v.Spec.Hosts {
				if len(r.Match) == 0 {
					w.expose(name, host, "")
				}
				for _, m := range r.Match {
					w.expose(name, host, cmp.Or(m.GetUri().GetPrefix(), m.GetUri().GetExact()))
				}
			}
		}
		if r.Rewrite != nil || r.Redirect != nil || r.Timeout != nil || r.Retries != nil || r.Fault != nil || r.CorsPolicy != nil {
			w.note("", "VirtualService %s does more than send requests on; look at it before it goes", v.Name)
		}
	}
}

// expose opens a way into the component, beside those it has.
func (w *drafter) expose(name, host, path string) {
	i := slices.IndexFunc(w.Application.Spec.Components, func(c api.Component) bool { return c.Name == name })
	if i < 0 {
		return
	}
	c := &w.Application.Spec.Components[i]
	if c.Expose == nil {
		c.Expose = &api.Expose{}
	}
	if host != "" && host != "*" && !slices.Contains(c.Expose.Hosts, host) {
		c.Expose.Hosts = append(c.Expose.Hosts, host)
	}
	if path != "" && path != "/" && !slices.Contains(c.Expose.Paths, path) {
		c.Expose.Paths = append(c.Expose.Paths, path)
	}
}
