// SPDX-License-Identifier: Apache-2.0

//go:build api

package crash_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/test/world"
)

// order plays a history back and looks for an instant at which a request could have been lost. Between two proofs any
// proxy may serve any state there was since the first of them, of routes and subsets each for itself.
type order struct {
	drain  time.Duration
	routes map[string][]*istionet.VirtualService  // by name; the states that may be served, the newest last
	rules  map[string][]*istionet.DestinationRule // likewise
	ready  map[string]map[string]bool             // component/version → its ready pods
	left   map[string]time.Time                   // component/version → when no caller served it any more
	served map[string]bool                        // component/version had a share
	faults []string
}

// check returns what was wrong at any instant from the revision on.
func check(changes []change, proofs []world.Proof, from int64, drain time.Duration) []string {
	o := &order{
		drain: drain, routes: map[string][]*istionet.VirtualService{}, rules: map[string][]*istionet.DestinationRule{},
		ready: map[string]map[string]bool{}, left: map[string]time.Time{}, served: map[string]bool{},
	}
	for i, c := range changes {
		o.see(c)
		if c.revision <= from {
			o.settle(true, c.seen)
			continue
		}
		o.instant(c)
		next := int64(-1)
		if i+1 < len(changes) {
			next = changes[i+1].revision
		}
		for _, p := range proofs {
			if p.Revision >= c.revision && (p.Revision < next || next < 0) {
				o.settle(p.Subsets, p.At)
			}
		}
	}
	slices.Sort(o.faults)
	return slices.Compact(o.faults)
}

func (o *order) fault(format string, args ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

func (o *order) see(c change) {
	name := c.object.GetName()
	switch obj := c.object.(type) {
	case *istionet.VirtualService:
		o.routes[name] = append(o.routes[name], obj)
		if c.gone {
			delete(o.routes, name)
		}
	case *istionet.DestinationRule:
		o.rules[name] = append(o.rules[name], obj)
		if c.gone {
			delete(o.rules, name)
		}
	case *corev1.Pod:
		o.pod(obj, c.gone)
	}
}

func (o *order) pod(pod *corev1.Pod, gone bool) {
	version := key(pod.Labels)
	if o.ready[version] == nil {
		o.ready[version] = map[string]bool{}
	}
	delete(o.ready[version], pod.Name)
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && !gone && pod.DeletionTimestamp == nil {
			o.ready[version][pod.Name] = true
		}
	}
}

// settle forgets the states that callers were seen to have left.
func (o *order) settle(rules bool, at time.Time) {
	for name, states := range o.routes {
		for _, old := range states[:len(states)-1] {
			for version := range shares(old) {
				o.left[version] = at
			}
		}
		o.routes[name] = states[len(states)-1:]
	}
	for name, states := range o.rules {
		if rules {
			o.rules[name] = states[len(states)-1:]
		}
	}
}

// instant looks at everything that may be served now.
func (o *order) instant(c change) {
	for _, states := range o.routes {
		o.sums(states[len(states)-1])
		for _, route := range states {
			for version, share := range shares(route) {
				o.served[version] = o.served[version] || share > 0
				o.reachable(version)
				if share > 0 && len(o.ready[version]) == 0 {
					o.fault("%s may get requests and has no ready pod", version)
				}
			}
		}
	}
	if d, ok := c.object.(*appsv1.Deployment); ok && (c.gone || *d.Spec.Replicas == 0) {
		o.drained(d, c.seen)
	}
}

func (o *order) reachable(version string) {
	name, subset, _ := strings.Cut(version, "/")
	if len(o.rules[name]) == 0 {
		o.fault("a route leads to subset %s, and %s has no rule", version, name)
	}
	for _, rule := range o.rules[name] {
		if !slices.ContainsFunc(rule.Spec.GetSubsets(), func(s *networking.Subset) bool { return s.GetName() == subset }) {
			o.fault("a route to subset %s may be served where the subset is missing", version)
		}
	}
}

// drained checks that a version whose pods are told to go was left by every caller for the time of the drain.
func (o *order) drained(d *appsv1.Deployment, seen time.Time) {
	version := key(d.Labels)
	if !o.served[version] {
		return
	}
	if left, ok := o.left[version]; !ok || seen.Before(left.Add(o.drain)) {
		o.fault("%s lost its pods before its drain was over", version)
	}
}

func (o *order) sums(vs *istionet.VirtualService) {
	for _, route := range vs.Spec.GetHttp() {
		sum := int32(0)
		for _, d := range route.GetRoute() {
			sum += d.GetWeight()
		}
		if sum != 100 && (len(route.GetRoute()) != 1 || sum != 0) {
			o.fault("the weights of %s sum to %d", vs.Name, sum)
		}
	}
}

// shares are the subsets that any of the routes names, as component/version, with the greatest share of each; a copy of
// a request counts as none.
func shares(vs *istionet.VirtualService) map[string]int32 {
	out := map[string]int32{}
	for _, route := range vs.Spec.GetHttp() {
		for _, d := range route.GetRoute() {
			share := d.GetWeight()
			if len(route.GetRoute()) == 1 {
				share = 100
			}
			name(out, d.GetDestination(), share)
		}
		name(out, route.GetMirror(), 0)
		for _, m := range route.GetMirrors() {
			name(out, m.GetDestination(), 0)
		}
	}
	return out
}

func name(out map[string]int32, d *networking.Destination, share int32) {
	if d.GetSubset() == "" {
		return
	}
	component, _, _ := strings.Cut(d.GetHost(), ".")
	version := component + "/" + d.GetSubset()
	out[version] = max(out[version], share)
}

func key(labels map[string]string) string {
	return labels[api.LabelComponent] + "/" + labels[api.LabelVersion]
}
