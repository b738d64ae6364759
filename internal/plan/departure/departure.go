// SPDX-License-Identifier: Apache-2.0

// Package departure orders what goes when an Application is deleted: the way in from outside first, then the components,
// callers before whom they call, each only when those before it have ended. So every request that came in is answered.
package departure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	istio "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

const (
	// settle is how long gateways have to learn that the way in is closed. A change reaches them within a second or two;
	// the pods go on answering for another five seconds after they were told to end.
	settle = 3 * time.Second
	// patience is how long the pods of a layer may take to end, beyond their own grace, before the next layer goes anyway.
	patience = 30 * time.Second
)

// Seen is what there is of an Application that is being deleted.
type Seen struct {
	Application *api.Application
	// Objects are what it owns, each with its kind. Those that are going already count as there.
	Objects []plan.Object
	// Pods of the Application.
	Pods []corev1.Pod
	// Closed is when the way in was found closed; zero when it was not yet.
	Closed time.Time
}

// Step is what to do now.
type Step struct {
	// Take away these, in their order.
	Take []plan.Object
	// Again is when to look again at the latest; zero when the next change tells.
	Again time.Duration
	// Closed is true when the way in is closed, and that has to be kept.
	Closed bool
	// Done is true when nothing is left.
	Done bool
	// Message says what is waited for.
	Message string
}

// Next returns the next step. It is taken again after each change, whatever was lost in between.
func Next(now time.Time, s Seen) Step {
	if way := s.wayIn(); len(way) > 0 {
		return Step{Take: way, Message: "the way in from outside is being closed"}
	}
	if s.exposes() && s.Closed.IsZero() {
		return Step{Closed: true, Again: settle, Message: "the way in from outside is closed; requests under way are answered"}
	}
	if left := s.Closed.Add(settle).Sub(now); !s.Closed.IsZero() && left > 0 {
		return Step{Again: left, Message: "the way in from outside is closed; requests under way are answered"}
	}
	for _, layer := range s.layers() {
		take, names := s.workloads(layer), s.waiting(now, layer)
		if len(take) > 0 || len(names) > 0 {
			return Step{Take: take, Again: time.Second, Message: fmt.Sprintf("pods of %s end", strings.Join(cmpOr(names, layer), ", "))}
		}
	}
	if len(s.Objects) > 0 {
		rest := slices.Clone(s.Objects)
		slices.SortStableFunc(rest, func(a, b plan.Object) int { return cmp.Compare(rank(a), rank(b)) })
		return Step{Take: rest, Again: time.Second, Message: "routes, services and accounts go"}
	}
	return Step{Done: true}
}

func cmpOr(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}

// last are the kinds that go when no pod is left, a route before what it leads to.
var last = []string{"Release", "VirtualService", "DestinationRule", "Service", "ServiceAccount", "ControllerRevision"}

func rank(o plan.Object) int {
	if i := slices.Index(last, kind(o)); i >= 0 {
		return i
	}
	return len(last) / 2 // kinds that are not known here, with the Services
}

func kind(o plan.Object) string { return o.GetObjectKind().GroupVersionKind().Kind }

func component(o interface{ GetLabels() map[string]string }) string {
	return o.GetLabels()[api.LabelComponent]
}

// wayIn are the unfinished releases, which would go on moving weights, and what leads in from outside, routes first.
func (s Seen) wayIn() []plan.Object {
	var releases, routes, gateways []plan.Object
	for _, o := range s.Objects {
		switch o := o.(type) {
		case *api.Release:
			if !o.Status.Phase.Finished() {
				releases = append(releases, o)
			}
		case *istio.VirtualService:
			if outside(o) {
				routes = append(routes, o)
			}
		case *istio.Gateway:
			gateways = append(gateways, o)
		}
	}
	return slices.Concat(releases, routes, gateways)
}

// outside tells whether the routes are those of a gateway.
func outside(v *istio.VirtualService) bool {
	return slices.ContainsFunc(v.Spec.Gateways, func(g string) bool { return g != "mesh" })
}

func (s Seen) exposes() bool {
	return slices.ContainsFunc(s.Application.Spec.Components, func(c api.Component) bool { return c.Expose != nil })
}

// workloads of the components that are not going yet.
func (s Seen) workloads(components []string) []plan.Object {
	var out []plan.Object
	for _, o := range s.Objects {
		if runs(o) && o.GetDeletionTimestamp() == nil && slices.Contains(components, component(o)) {
			out = append(out, o)
		}
	}
	return out
}

func runs(o plan.Object) bool {
	return slices.Contains([]string{"Deployment", "StatefulSet", "Job", "CronJob"}, kind(o))
}

// waiting names the components of the layer that have pods that still may end in time.
func (s Seen) waiting(now time.Time, layer []string) []string {
	var out []string
	for _, p := range s.Pods {
		name := component(&p)
		if !slices.Contains(layer, name) || slices.Contains(out, name) || p.Status.Phase == corev1.PodSucceeded ||
			p.Status.Phase == corev1.PodFailed {
			continue
		}
		// The deletion timestamp is the end of the pod's grace.
		if p.DeletionTimestamp == nil && s.owned(p) || p.DeletionTimestamp != nil && now.Before(p.DeletionTimestamp.Add(patience)) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// owned tells whether the pod belongs to a workload that goes with the application. Others carry the label by chance.
func (s Seen) owned(p corev1.Pod) bool {
	return p.Labels["app.kubernetes.io/managed-by"] == "weir" && len(p.OwnerReferences) > 0
}
