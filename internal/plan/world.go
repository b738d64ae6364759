// SPDX-License-Identifier: Apache-2.0

package plan

import (
	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/routing"
)

// world is what routes may point to.
type world struct {
	services map[string]service               // by host
	subsets  map[string]map[string]labels.Set // by host and subset
	gateways map[string]bool                  // by namespace/name
	pods     []labels.Set                     // of Deployments and StatefulSets with at least one replica
	// components by name; each has a service account, even one that has no pods at the time.
	components map[string]bool
}

type service struct {
	name string
	// elsewhere is true when it and its pods are somebody else's, and not among the objects.
	elsewhere bool
	selector  labels.Set
	ports     map[int32]bool
}

func worldOf(objects []Object) world {
	w := world{
		services: map[string]service{}, subsets: map[string]map[string]labels.Set{},
		gateways: map[string]bool{}, components: map[string]bool{},
	}
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.ServiceAccount:
			w.components[o.Labels[api.LabelComponent]] = true
		case *corev1.Service:
			w.services[routing.Host(o.Namespace, o.Name)] = serviceOf(o)
		case *appsv1.Deployment:
			if o.Spec.Replicas == nil || *o.Spec.Replicas > 0 {
				w.pods = append(w.pods, o.Spec.Template.Labels)
			}
		case *appsv1.StatefulSet:
			if ptr.Deref(o.Spec.Replicas, 1) > 0 {
				w.pods = append(w.pods, o.Spec.Template.Labels)
			}
		case *istio.DestinationRule:
			w.subsets[o.Spec.Host] = subsetsOf(&o.Spec)
			if o.Labels[routing.LabelExternal] != "" {
				w.services[o.Spec.Host] = service{name: o.Labels[api.LabelComponent], elsewhere: true}
				w.components[o.Labels[api.LabelComponent]] = true
			}
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
	if s.elsewhere {
		return true
	}
	for _, pod := range w.pods {
		if s.selector.AsSelector().Matches(pod) && subset.AsSelector().Matches(pod) {
			return true
		}
	}
	return false
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
