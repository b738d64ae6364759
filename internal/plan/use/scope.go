// SPDX-License-Identifier: Apache-2.0

package use

import (
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/routing"
	"weir.dev/weir/internal/plan/workload"
)

// needs are Services that pods call without anybody's saying so: names, where they are asked for by TCP, and the API server.
var needs = []string{
	"kube-system/kube-dns.kube-system" + clusterDomain,
	"default/kubernetes.default" + clusterDomain,
}

// Component is a component as far as it calls others.
type Component struct {
	api.Component
	// Targets are all that any of its versions with pods calls.
	Targets []Target
}

// Scope sends the sidecars of the component only what it calls, its own pods when they call each other, and what the mesh
// needs: hosts as Istio writes them, namespace/name. all are the application's components.
func Scope(a *api.Application, c Component, all []api.Component, mesh []string) *istio.Sidecar {
	hosts := slices.Concat(needs, mesh)
	if c.Kind == api.StatefulSet {
		hosts = append(hosts, visible(a.Namespace, c.Name), visible(a.Namespace, workload.PeersName(c.Name)))
	}
	for _, t := range c.Targets {
		hosts = append(hosts, hostsOf(a, t, all)...)
	}
	slices.Sort(hosts)
	return &istio.Sidecar{
		TypeMeta:   metav1.TypeMeta{APIVersion: istio.SchemeGroupVersion.String(), Kind: "Sidecar"},
		ObjectMeta: owner.Meta(a, c.Name, c.Name),
		Spec: networking.Sidecar{
			WorkloadSelector: &networking.WorkloadSelector{Labels: owner.Selector(a, c.Name, "")},
			Egress:           []*networking.IstioEgressListener{{Hosts: slices.Compact(hosts)}},
		},
	}
}

func hostsOf(a *api.Application, t Target, all []api.Component) []string {
	switch {
	case t.Outside():
		return []string{sameNamespace + "/" + entryHost(a, t)}
	case t.Host != "":
		return []string{t.namespace() + "/" + t.Host}
	}
	out := []string{visible(t.Namespace, t.Component)}
	single := func(o api.Component) bool { return o.Name == t.Component && o.Kind != api.StatefulSet }
	if !t.Of(a) || !slices.ContainsFunc(all, single) {
		out = append(out, visible(t.Namespace, workload.PeersName(t.Component)))
	}
	return out
}

func visible(namespace, service string) string {
	return namespace + "/" + routing.Host(namespace, service)
}
