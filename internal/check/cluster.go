// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"k8s.io/apimachinery/pkg/util/version"

	"weir.dev/weir/internal/injection"
)

const (
	// oldest versions with what Weir needs: server-side apply and CEL of the CRDs, and Istio's v1 API.
	oldestKubernetes = "1.29.0"
	oldestIstio      = "1.22.0"

	istioKinds = ".networking.istio.io"
)

// clusterRules is the rule book of the cluster, in the order of a person who sets one up.
var clusterRules = []struct {
	name string
	look func(*book)
}{
	{"Kubernetes", kubernetes},
	{"Rights", rights},
	{"IstioKinds", kinds},
	{"Istiod", istiod},
	{"Injector", injector},
	{"Gateway", gateway},
	{"Prometheus", prometheus},
	{"Weir", weir},
}

func kubernetes(b *book) {
	v, err := version.ParseGeneric(b.Cluster.Kubernetes)
	switch {
	case err != nil:
		b.warn("", "look at kubectl version", "the cluster calls itself version %q", b.Cluster.Kubernetes)
	case v.LessThan(version.MustParseGeneric(oldestKubernetes)):
		b.fault("", "bring the cluster up to date", "the cluster runs Kubernetes %s; Weir needs %s or later", v, oldestKubernetes)
	default:
		b.good("Kubernetes %s", v)
	}
}

func rights(b *book) {
	if len(b.Cluster.Missing) > 0 && b.Cluster.Weir == nil {
		b.fault("", "install as an administrator of the cluster", "your account may not %s, so it cannot install Weir",
			strings.Join(b.Cluster.Missing, ", "))
	}
}

func kinds(b *book) {
	var missing []string
	for _, kind := range []string{"VirtualService", "DestinationRule", "Gateway"} {
		if !b.Cluster.Kinds[kind+istioKinds] {
			missing = append(missing, kind)
		}
	}
	if len(missing) > 0 {
		b.fault("", "install Istio, with its charts base and istiod or with istioctl install, or get a cluster that has it with weir cluster up",
			"the cluster does not know Istio's kinds %s", strings.Join(missing, ", "))
	}
}

func istiod(b *book) {
	if len(b.Cluster.Istiods) == 0 {
		b.fault("", "install Istio's chart istiod", "no istiod runs in the cluster: pods get no sidecars, and routes reach nobody")
	}
	for _, i := range b.Cluster.Istiods {
		where := "Deployment " + i.Name
		if i.Ready == 0 {
			b.fault(where, fmt.Sprintf("kubectl -n %s describe pods -l app=istiod", i.Namespace),
				"istiod of revision %s in %s has no ready pod: new pods of its namespaces are refused, and changes of routes reach nobody",
				i.Revision, i.Namespace)
			continue
		}
		v, err := version.ParseGeneric(i.Version)
		if err == nil && v.LessThan(version.MustParseGeneric(oldestIstio)) && v.Major() > 0 {
			b.fault(where, "bring Istio up to date", "istiod %s of revision %s is older than %s", v, i.Revision, oldestIstio)
			continue
		}
		if i.Ready == 1 {
			b.warn(where, fmt.Sprintf("kubectl -n %s scale deployment %s --replicas 2", i.Namespace, i.Name),
				"istiod of revision %s has one pod: while it restarts, pods that opt in cannot be made", i.Revision)
			continue
		}
		b.good("istiod %s of revision %s in %s, %d ready", i.Version, i.Revision, i.Namespace, i.Ready)
	}
}

func injector(b *book) {
	if len(b.Cluster.Injectors) == 0 {
		if len(b.Cluster.Istiods) > 0 {
			b.fault("MutatingWebhookConfiguration", "upgrade Istio's chart istiod again, which brings it back",
				"istiod's webhook is gone, so no pod gets a sidecar")
		}
		return
	}
	for _, i := range b.Cluster.Injectors {
		known := slices.ContainsFunc(b.Cluster.Istiods, func(d Istiod) bool { return d.Revision == i.Revision })
		if !known && i.Service != "" {
			b.fault("MutatingWebhookConfiguration "+i.Configuration,
				"delete it, or install that revision: until then pods of its namespaces are refused",
				"it asks %s of revision %s for sidecars, and there is no such istiod", i.Service, i.Revision)
			return
		}
	}
	b.good("sidecars are injected for the revisions %s", strings.Join(injection.Revisions(b.Cluster.Injectors), ", "))
}

func gateway(b *book) {
	total := 0
	for _, n := range b.Cluster.Gateways {
		total += n
	}
	if total == 0 {
		b.warn("", "install Istio's chart gateway, or tell Weir of yours: weir install --set gateway.selector=<key>=<value>",
			"no ingress gateway is ready, so what applications expose cannot be reached from outside")
		return
	}
	b.good("%s of the ingress gateway", english.Plural(total, "ready pod", ""))
}

func prometheus(b *book) {
	p := b.Cluster.Prometheus
	switch {
	case p.URL == "":
	case p.Problem != "":
		b.warn("", "install one, or say where it is: weir install --set prometheus.url=<where>",
			"Prometheus at %s does not answer (%s), so releases with an analysis will wait for evidence", p.URL, p.Problem)
	case !p.Mesh:
		b.warn("", "let it scrape port 15020 of the pods, path /stats/prometheus",
			"Prometheus at %s has none of Istio's metrics (istio_requests_total); "+
				"without requests in the mesh there are none yet", p.URL)
	default:
		b.good("Prometheus at %s has Istio's metrics", p.URL)
	}
}

func weir(b *book) {
	w := b.Cluster.Weir
	kinds := b.Cluster.Kinds["Application.weir.dev"] && b.Cluster.Kinds["Strategy.weir.dev"] && b.Cluster.Kinds["Release.weir.dev"]
	switch {
	case w == nil && kinds:
		b.warn("", "weir install", "Weir's kinds are there, but no controller: applications stay as they are")
	case w == nil:
		b.good("Weir is not installed yet")
	case !kinds:
		b.fault("", "weir install", "the controller is there, but not all of Weir's kinds")
	case w.Ready == 0:
		b.fault("Deployment weir-controller", fmt.Sprintf("kubectl -n %s describe pods", w.Namespace),
			"no controller is ready: applications stay as they are, releases stand still")
	case w.Ready < w.Wanted:
		b.warn("Deployment weir-controller", fmt.Sprintf("kubectl -n %s describe pods", w.Namespace), "%d of %d controllers are ready", w.Ready,
			w.Wanted)
	default:
		b.good("Weir %s in %s, %s ready", w.Image, w.Namespace, english.Plural(int(w.Ready), "controller", ""))
	}
}
