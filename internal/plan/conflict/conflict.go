// SPDX-License-Identifier: Apache-2.0

// Package conflict finds routes and rules of others for a host of ours: of two, the mesh follows one.
package conflict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	istio "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

const (
	// mesh stands for all sidecars where a VirtualService names its gateways.
	mesh = "mesh"
	// root is Istio's root namespace: a rule there stands behind those of the host's own namespace.
	root = "istio-system"
	// domain of the cluster's Services.
	domain = ".svc.cluster.local"
)

// Conflict is an object of somebody else that has a say about a host of ours.
type Conflict struct {
	Kind, Namespace, Name string
	// Host of ours.
	Host string
	// Callers that follow it, in words.
	Callers string
}

// Object is what kubectl calls it.
func (c Conflict) Object() string { return c.Kind + " " + c.Namespace + "/" + c.Name }

// String says what is wrong.
func (c Conflict) String() string {
	does := "routes"
	if c.Kind == "DestinationRule" {
		does = "rules"
	}
	return fmt.Sprintf("%s %s %s, too, for %s", c.Object(), does, c.Host, c.Callers)
}

// Do says what to do about it.
func (c Conflict) Do() string {
	return fmt.Sprintf("take the host out of it, or delete it: kubectl -n %s delete %s %s; what it "+
		"does belongs in the Application or its Strategy",
		c.Namespace, strings.ToLower(c.Kind), c.Name)
}

// Find returns the routes and rules for the host that no Application controls, by kind, namespace and name. The host is the
// full name of a Service; its namespace is the second part of it.
func Find(host string, routes []*istio.VirtualService, rules []*istio.DestinationRule) []Conflict {
	var out []Conflict
	for _, v := range routes {
		if c, hit := route(host, v); hit {
			out = append(out, c)
		}
	}
	for _, d := range rules {
		if c, hit := rule(host, d); hit {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(out)
}

// Except leaves out what the Application takes over.
func Except(app *api.Application, found []Conflict) []Conflict {
	return slices.DeleteFunc(found, func(c Conflict) bool {
		return c.Namespace == app.Namespace && slices.Contains(app.Spec.TakesOver, api.Taken{Kind: c.Kind, Name: c.Name})
	})
}

// route: of several routes for one host a sidecar follows one, those of its own namespace first. Hosts with a star stand behind
// exact ones.
func route(host string, v *istio.VirtualService) (Conflict, bool) {
	inside := len(v.Spec.Gateways) == 0 || slices.Contains(v.Spec.Gateways, mesh)
	callers := seenBy(v.Spec.ExportTo, v.Namespace)
	hit := inside && callers != "" && !Ours(v) &&
		slices.ContainsFunc(v.Spec.Hosts, func(h string) bool { return Full(h, v.Namespace) == host })
	return Conflict{Kind: "VirtualService", Namespace: v.Namespace, Name: v.Name, Host: host, Callers: callers}, hit
}

// rule: a caller goes by the rules of its own namespace first, those with a star included, then by those of the host's own
// namespace, of which the exact ones are merged, and last by those of the root namespace.
func rule(host string, d *istio.DestinationRule) (Conflict, bool) {
	c := Conflict{Kind: "DestinationRule", Namespace: d.Namespace, Name: d.Name, Host: host, Callers: seenBy(d.Spec.ExportTo, d.Namespace)}
	full := Full(d.Spec.Host, d.Namespace)
	if c.Callers == "" || Ours(d) || !covers(full, host) {
		return c, false
	}
	if _, namespace, _ := Service(host); namespace == d.Namespace {
		return c, full == host
	}
	local := len(d.Spec.ExportTo) == 0
	for _, to := range d.Spec.ExportTo {
		local = local || to == "*" && d.Namespace != root || to == "." || to == d.Namespace
	}
	c.Callers = "callers in " + d.Namespace
	return c, local && (d.Namespace != root || len(d.Spec.ExportTo) > 0)
}

// seenBy says whom an object is exported to; empty when to nobody. Default: all.
func seenBy(exportTo []string, namespace string) string {
	if len(exportTo) == 0 || slices.Contains(exportTo, "*") {
		return "all callers"
	}
	if slices.Contains(exportTo, "~") {
		return ""
	}
	var names []string
	for _, to := range exportTo {
		names = append(names, map[bool]string{true: namespace, false: to}[to == "."])
	}
	slices.Sort(names)
	return "callers in " + strings.Join(slices.Compact(names), ", ")
}

// covers tells whether a host, perhaps with a star, means the other.
func covers(pattern, host string) bool {
	if tail, star := strings.CutPrefix(pattern, "*"); star {
		return strings.HasSuffix(host, tail)
	}
	return pattern == host
}

// Ours tells whether an Application controls the object.
func Ours(o metav1.Object) bool {
	owner := metav1.GetControllerOf(o)
	return owner != nil && owner.Kind == "Application" && strings.HasPrefix(owner.APIVersion, "weir.dev/")
}

// Full is the host as the mesh knows it, seen from a namespace: name, name.namespace and name.namespace.svc are all one.
func Full(host, namespace string) string {
	parts := strings.Split(host, ".")
	switch {
	case strings.Contains(host, "*"):
		return host
	case len(parts) == 1:
		return host + "." + namespace + domain
	case len(parts) == 2:
		return host + domain
	case len(parts) == 3 && parts[2] == "svc":
		return host + strings.TrimPrefix(domain, ".svc")
	}
	return host
}

// Service splits the full host of a Service into its name and namespace.
func Service(host string) (name, namespace string, ok bool) {
	rest, ok := strings.CutSuffix(host, domain)
	name, namespace, dotted := strings.Cut(rest, ".")
	return name, namespace, ok && dotted && name != "" && !strings.Contains(namespace, ".") && !strings.Contains(host, "*")
}

// Names are the hosts under which Find may find something for the host: itself, and those with a star that cover it.
func Names(host string) []string {
	out := []string{host}
	for rest := host; ; {
		_, after, more := strings.Cut(rest, ".")
		if !more {
			return append(out, "*")
		}
		rest = after
		out = append(out, "*."+rest)
	}
}

// Hosts are those that a VirtualService or DestinationRule is for, in full; none for anything else.
func Hosts(obj any) []string {
	switch o := obj.(type) {
	case *istio.VirtualService:
		var out []string
		for _, h := range o.Spec.Hosts {
			out = append(out, Full(h, o.Namespace))
		}
		return out
	case *istio.DestinationRule:
		return []string{Full(o.Spec.Host, o.Namespace)}
	}
	return nil
}
