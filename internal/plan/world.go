// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"weir.dev/weir/internal/plan/routing"
)

// world is what routes may point to.
type world struct {
	services map[string]service               // by host
	subsets  map[string]map[string]labels.Set // by host and subset
	gateways map[string]bool                  // by namespace/name
	pods     []labels.Set                     // of Deployments with at least one replica
}

type service struct {
	name     string
	selector labels.Set
	ports    map[int32]bool
}

func worldOf(objects []Object) world {
	w := world{services: map[string]service{}, subsets: map[string]map[string]labels.Set{}, gateways: map[string]bool{}}
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.Service:
			w.services[routing.Host(o.Namespace, o.Name)] = serviceOf(o)
		case *appsv1.Deployment:
			if o.Spec.Replicas == nil || *o.Spec.Replicas > 0 {
				w.pods = append(w.pods, o.Spec.Template.Labels)
			}
		case *istio.DestinationRule:
			w.subsets[o.Spec.Host] = subsetsOf(&o.Spec)
		case *istio.Gateway:
			w.gateways[o.Namespace+"/"+o.Name] = true
		}
	}
	return w
}

func serviceOf(s *corev1.Service) service {
	ports := map[int32]bool{}
	for _, p := range s.Spec.Ports {
		ports[p.Port] = true
	}
	return service{name: s.Name, selector: s.Spec.Selector, ports: ports}
}

func subsetsOf(d *networking.DestinationRule) map[string]labels.Set {
	out := map[string]labels.Set{}
	for _, s := range d.Subsets {
		out[s.Name] = s.Labels
	}
	return out
}

// hasPods tells whether any wanted pod is of both the service and the subset.
func (w world) hasPods(s service, subset labels.Set) bool {
	for _, pod := range w.pods {
		if s.selector.AsSelector().Matches(pod) && subset.AsSelector().Matches(pod) {
			return true
		}
	}
	return false
}

// shadowed returns the first of the earlier routes that takes all requests to a path of the route, and the path; -1 when
// every path of the route is reached.
func shadowed(earlier []*networking.HTTPRoute, route *networking.HTTPRoute) (int, string) {
	for _, m := range matches(route) {
		for j, other := range earlier {
			for _, o := range matches(other) {
				if (o.Port == 0 || o.Port == m.Port) && strings.HasPrefix(m.Uri.GetPrefix(), o.Uri.GetPrefix()) {
					return j, cmp.Or(m.Uri.GetPrefix(), "/")
				}
			}
		}
	}
	return -1, ""
}

// matches returns what the route is bound to; a route bound to nothing takes every request.
func matches(route *networking.HTTPRoute) []*networking.HTTPMatchRequest {
	if len(route.Match) == 0 {
		return []*networking.HTTPMatchRequest{{}}
	}
	return route.Match
}

func httpWeights(route *networking.HTTPRoute) []int32 {
	out := make([]int32, 0, len(route.Route))
	for _, d := range route.Route {
		out = append(out, d.Weight)
	}
	return out
}

func tcpWeights(route *networking.TCPRoute) []int32 {
	out := make([]int32, 0, len(route.Route))
	for _, d := range route.Route {
		out = append(out, d.Weight)
	}
	return out
}
