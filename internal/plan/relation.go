// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/use"
)

// Neighbors is what an application has to do with besides its own components.
type Neighbors struct {
	// GatewayPrincipals are the identities of the ingress gateway's pods; none when they are not known.
	GatewayPrincipals []string
	// Mesh are the hosts that every proxy is sent besides those it calls, as namespace/name. Default: istio-system/*.
	Mesh []string
	// Callers are the components of other applications that call one of this, by its name.
	Callers map[string][]Caller
	// Certificates are the names under which the gateway finds the Secrets that the application's hosts are answered with.
	// Default: the names of the Secrets.
	Certificates map[string]string
	// GatewayPorts are those at which the gateway is reached; none when they are not known.
	GatewayPorts []int32
	// Elsewhere are the paths that other applications answer at hosts of this one, by host; see Elsewhere.
	Elsewhere map[string][]string
}

// Principals are the identities of service accounts, each given as namespace/name.
func Principals(accounts []string) []string {
	var out []string
	for _, account := range accounts {
		namespace, name, _ := strings.Cut(account, "/")
		out = append(out, use.Principal(namespace, name))
	}
	return out
}

// Caller is a component of another application, that names one of this application's in uses.
type Caller struct {
	Namespace, Application, Component string
	// Identified is true when its pods have sidecars, and the service account of the component.
	Identified bool
}

func (c Caller) String() string { return c.Namespace + "/" + c.Application + "/" + c.Component }

// Callers are the components of other applications that call one of this application's, by the name of who is called.
func Callers(a *api.Application, others []api.Application) map[string][]Caller {
	out := map[string][]Caller{}
	for i := range others {
		other := &others[i]
		if other.Namespace == a.Namespace && other.Name == a.Name {
			continue
		}
		for _, c := range other.Spec.Components {
			for _, t := range Calls(other, c) {
				if t.Of(a) {
					out[t.Component] = append(out[t.Component], Caller{other.Namespace, other.Name, c.Name, identified(c)})
				}
			}
		}
	}
	return out
}

// Calls are all that the component of an application calls, by its spec and by what the status says of versions with pods.
func Calls(a *api.Application, c api.Component) []use.Target {
	in := Input{Application: a}
	for _, status := range a.Status.Components {
		if status.Name == c.Name {
			return in.targets(Component{Spec: c, Uses: status.Calls})
		}
	}
	return in.targets(Component{Spec: c})
}

// relations makes what follows from whom components call.
func (in Input) relations() []Object {
	var out []Object
	var targets []use.Target
	mesh := in.Mesh
	if len(mesh) == 0 {
		mesh = []string{"istio-system/*"}
	}
	for _, c := range in.Components {
		called := in.parse(c.Spec.Uses, c.Uses, c.Used)
		targets = append(targets, called...)
		if in.Application.Spec.ScopeFromUses && identified(c.Spec) {
			out = append(out, use.Scope(in.Application, use.Component{Component: c.Spec, Targets: called}, in.Application.Spec.Components, mesh))
		}
		if in.guardable(c.Spec) && in.unguarded(c.Spec) == "" {
			out = append(out, use.Access(in.Application, c.Spec.Name, in.principals(c.Spec)))
		}
	}
	for _, entry := range use.Entries(in.Application, targets) {
		out = append(out, entry)
	}
	return out
}

// targets are all that any version of the component with pods calls.
func (in Input) targets(c Component) []use.Target { return in.parse(c.Spec.Uses, c.Uses) }

func (in Input) parse(uses ...[]string) []use.Target {
	var out []use.Target
	for _, text := range slices.Concat(uses...) {
		if t := use.Parse(in.Application, text); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// guardable tells whether the component is to be guarded, and has a sidecar that can do it.
func (in Input) guardable(c api.Component) bool {
	return in.Application.Spec.AccessFromUses && identified(c) && len(c.Ports) > 0
}

// unguarded says why nothing may guard the component: somebody who is to call it could not show who he is.
func (in Input) unguarded(c api.Component) string {
	for _, o := range in.callersOf(c.Name) {
		if !identified(o) {
			return fmt.Sprintf("%s calls it without a sidecar of its own account, and so has no identity that could be let in", o.Name)
		}
	}
	for _, o := range in.Callers[c.Name] {
		if in.admits(o) && !o.Identified {
			return fmt.Sprintf("%s calls it without a sidecar of its own account, and so has no identity that could be let in", o)
		}
	}
	if c.Expose != nil && len(in.GatewayPrincipals) == 0 {
		return "it is exposed, and the identity of the gateway is not known; is the gateway running?"
	}
	return ""
}

// identified tells whether callees know the component by its service account.
func identified(c api.Component) bool { return c.Meshed() && !c.External }

// callersOf are the components of the application that call the component.
func (in Input) callersOf(name string) []api.Component {
	var out []api.Component
	for _, c := range in.Components {
		if slices.ContainsFunc(in.targets(c), func(t use.Target) bool { return t.Of(in.Application) && t.Component == name }) {
			out = append(out, c.Spec)
		}
	}
	return out
}

// admits tells whether the caller may call at all: it is of the same namespace, or the application names it.
func (in Input) admits(c Caller) bool {
	return c.Namespace == in.Application.Namespace ||
		slices.Contains(in.Application.Spec.Callers, c.Namespace+"/*") ||
		slices.Contains(in.Application.Spec.Callers, c.Namespace+"/"+c.Application)
}

// principals are the identities that may call the component.
func (in Input) principals(c api.Component) []string {
	var out []string
	if c.Expose != nil {
		out = append(out, in.GatewayPrincipals...)
	}
	if c.Kind == api.StatefulSet { // its pods call each other
		out = append(out, use.Principal(in.Application.Namespace, c.Name))
	}
	for _, o := range in.callersOf(c.Name) {
		out = append(out, use.Principal(in.Application.Namespace, o.Name))
	}
	for _, o := range in.Callers[c.Name] {
		if in.admits(o) {
			out = append(out, use.Principal(o.Namespace, o.Component))
		}
	}
	return out
}

// Warnings tell, by component, what is accepted and yet not what it seems to be.
func Warnings(in Input) map[string][]string {
	out := map[string][]string{}
	for _, c := range in.Components {
		name := c.Spec.Name
		add := func(format string, args ...any) { out[name] = append(out[name], fmt.Sprintf(format, args...)) }
		if c.Spec.Strategy != "" {
			in.warnOfStrategy(c.Spec, add)
		}
		in.warnOfGateway(c.Spec, add)
		if why := in.unguarded(c.Spec); in.guardable(c.Spec) && why != "" {
			add("everybody may call it, although accessFromUses is set: %s", why)
		}
		if in.Application.Spec.AccessFromUses && !c.Spec.Meshed() && len(c.Spec.Ports) > 0 {
			add("everybody may call it, although accessFromUses is set: it has no sidecar that could refuse anybody")
		}
		if in.Application.Spec.AccessFromUses && c.Spec.External {
			add("everybody may call it, although accessFromUses is set: its pods are somebody else's, and left as they are")
		}
		for _, o := range in.Callers[name] {
			if in.guardable(c.Spec) && !in.admits(o) {
				add("%s names it in uses and is refused; let it in by callers: [%s/%s], or tell its owner", o, o.Namespace, o.Application)
			}
		}
		for _, t := range in.targets(c) {
			if s := t.Stream(); s != "" {
				add("the mesh takes all its connections to port %d of who is no Service for calls of %s", t.Port, s)
			}
		}
	}
	return out
}

// warnOfStrategy looks for callers at whose sidecars a strategy takes effect.
func (in Input) warnOfStrategy(c api.Component, add func(string, ...any)) {
	callers, others := in.callersOf(c.Name), in.Callers[c.Name]
	if len(callers)+len(others) == 0 && c.Expose == nil {
		add("nobody is known to call it, and a strategy takes effect at callers with a sidecar: name it in " +
			"the uses of those who call it, or expose it")
	}
	var without []string
	for _, o := range callers {
		if !o.Meshed() {
			without = append(without, o.Name)
		}
	}
	if len(without) > 0 {
		add("%s calls without a sidecar, so no strategy holds for its requests: they come to any pod, also of a new version",
			strings.Join(without, ", "))
	}
}

// warnOfGateway looks for ports of the gateway that are needed, and at which nobody reaches it.
func (in Input) warnOfGateway(c api.Component, add func(string, ...any)) {
	if c.Expose == nil || len(in.GatewayPorts) == 0 {
		return
	}
	needed := []int32{80}
	switch {
	case c.Expose.TCP != 0:
		needed = []int32{c.Expose.TCP}
	case c.Expose.TLS != nil:
		needed = []int32{80, 443}
	}
	for _, number := range needed {
		if !slices.Contains(in.GatewayPorts, number) {
			add("it is exposed at the gateway's port %d, and the gateway's Service has no such port; add it there, or nobody comes in", number)
		}
	}
}
