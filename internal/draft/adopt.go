// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	networking "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/revision"
)

// Surroundings are what else matters when workloads are adopted.
type Surroundings struct {
	// Labels of the namespace.
	Labels      map[string]string
	Accounts    []corev1.ServiceAccount
	Rules       []*networking.DestinationRule
	Autoscalers []autoscalingv2.HorizontalPodAutoscaler
	// Elsewhere are the routes of other namespaces.
	Elsewhere []*networking.VirtualService
	// Trusted are texts in which an account may be named, such as the principals of policies and the subjects of role
	// bindings, by what they are called.
	Trusted map[string][]string
	// Injected are the StatefulSets whose running pods have a sidecar.
	Injected map[string]bool
}

// Adoption is a draft that takes the place of what it was made of.
type Adoption struct {
	*Draft
	// Obstacles are why it should not be applied as it is. Each says what to do.
	Obstacles []Note
}

// Adopt drafts an Application that takes over what runs in the namespace, in the numbers and with the settings it has now.
// Workloads without pods are left alone, and so are Services that lead to pods of which another one takes care.
func Adopt(n Namespace, around Surroundings, o Options) (*Adoption, error) {
	a := &adopter{around: around}
	n = a.narrow(n.without(o.Except))
	var err error
	if a.drafter, err = components(n, o); err != nil {
		return nil, err
	}
	a.Notes = append(a.Notes, a.left...)
	for i := range a.Application.Spec.Components {
		a.component(&a.Application.Spec.Components[i])
	}
	a.beside()
	a.routes()
	a.rules()
	a.obstacles()
	slices.SortStableFunc(a.Application.Spec.TakesOver, func(x, y api.Taken) int {
		return cmp.Or(cmp.Compare(takenRank(x.Kind), takenRank(y.Kind)), cmp.Compare(x.Name, y.Name))
	})
	return &Adoption{Draft: a.Draft, Obstacles: a.found}, nil
}

func takenRank(kind string) int {
	return slices.Index([]string{"Deployment", "StatefulSet", "Service", "ServiceAccount", "Gateway", "VirtualService", "DestinationRule"},
		kind)
}

type adopter struct {
	*drafter

	around Surroundings
	// found are the obstacles.
	found []Note
	// left are notes on what stays as it is; second are the Services among it.
	left   []Note
	second []corev1.Service
}

func (a *adopter) obstacle(component, format string, args ...any) {
	a.found = append(a.found, Note{component, fmt.Sprintf(format, args...)})
}

func (a *adopter) take(kind, name string) {
	if t := (api.Taken{Kind: kind, Name: name}); !slices.Contains(a.Application.Spec.TakesOver, t) {
		a.Application.Spec.TakesOver = append(a.Application.Spec.TakesOver, t)
	}
}

// narrow leaves out workloads without pods, and of several Services over the same pods all but one.
func (a *adopter) narrow(n Namespace) Namespace {
	asleep := func(name string, replicas *int32) bool {
		if ptr.Deref(replicas, 1) > 0 {
			return false
		}
		a.left = append(a.left, Note{Text: name + " has no pods, and stays as it is"})
		return true
	}
	n.Deployments = slices.DeleteFunc(slices.Clone(n.Deployments), func(d appsv1.Deployment) bool {
		return !governed(&d) && asleep("Deployment "+d.Name, d.Spec.Replicas)
	})
	n.StatefulSets = slices.DeleteFunc(slices.Clone(n.StatefulSets), func(s appsv1.StatefulSet) bool {
		return !governed(&s) && asleep("StatefulSet "+s.Name, s.Spec.Replicas)
	})
	all := slices.Clone(n.Services)
	slices.SortStableFunc(all, func(x, y corev1.Service) int {
		return cmp.Or(cmp.Compare(n.place(x), n.place(y)), cmp.Compare(x.Name, y.Name))
	})
	served := map[string]bool{}
	n.Services = slices.DeleteFunc(all, func(s corev1.Service) bool {
		behind := selected(s, n.sources())
		if skipped(s) || len(behind) == 0 {
			return false
		}
		again := slices.ContainsFunc(behind, func(b source) bool { return served[b.name] })
		for _, b := range behind {
			served[b.name] = true
		}
		if again {
			a.second = append(a.second, s)
		}
		return again
	})
	return n
}

// place tells which of several Services is the component: the one with a workload's name, then any that has an address.
func (n Namespace) place(s corev1.Service) int {
	for _, b := range n.sources() {
		if b.name == s.Name {
			return 0
		}
	}
	if headless(&s) {
		return 2
	}
	return 1
}

// component names what it takes the place of, and is like it.
func (a *adopter) component(c *api.Component) {
	var sum int32
	for _, b := range a.made[c.Name] {
		if b.kind == api.Deployment || b.name == c.Name {
			a.take(string(b.kind), b.name)
		}
		sum += ptr.Deref(b.replicas, 1)
		a.scaled(c.Name, b)
	}
	if c.Replicas = nil; sum != 1 {
		c.Replicas = ptr.To(sum)
	}
	if slices.ContainsFunc(a.seen.Services, func(s corev1.Service) bool { return s.Name == c.Name && !skipped(s) }) {
		a.take("Service", c.Name)
	}
	if slices.ContainsFunc(a.around.Accounts, func(s corev1.ServiceAccount) bool { return s.Name == c.Name && !governed(&s) }) {
		a.take("ServiceAccount", c.Name)
	}
	if c.Kind == api.StatefulSet {
		a.set(c)
		return
	}
	version := revision.Version(*c, nil)
	for slices.ContainsFunc(a.seen.Deployments, func(d appsv1.Deployment) bool { return d.Name == revision.Name(c.Name, version) }) {
		version += "-weir" // the old one keeps its name, so that it can come back
		c.Version = version
	}
}

// scaled tells of autoscalers, which do nothing while their workload has no pods.
func (a *adopter) scaled(component string, b source) {
	for _, h := range a.around.Autoscalers {
		if h.Spec.ScaleTargetRef.Kind == string(b.kind) && h.Spec.ScaleTargetRef.Name == b.name {
			a.note(component, "HorizontalPodAutoscaler %s rests while %s has no pods; once it is adopted, write autoscale: {min: %d, max: %d}",
				h.Name, b.name, ptr.Deref(h.Spec.MinReplicas, 1), h.Spec.MaxReplicas)
		}
	}
}

// set is a component whose pods go on running.
func (a *adopter) set(c *api.Component) {
	if !slices.ContainsFunc(a.seen.StatefulSets, func(s appsv1.StatefulSet) bool { return s.Name == c.Name }) {
		return // an obstacle
	}
	if !a.around.Injected[c.Name] {
		c.Mesh = ptr.To(false)
		a.note(c.Name, "its pods are not restarted, and have no sidecar; mesh: true gives them one, with a restart of one after the other")
	}
}

// beside are the Services that stay, as long as they find the new pods.
func (a *adopter) beside() {
	for _, s := range a.second {
		for _, c := range a.Application.Spec.Components {
			for _, b := range a.made[c.Name] {
				if !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(b.pods.Labels)) {
					continue
				}
				if labels.SelectorFromSet(s.Spec.Selector).Matches(a.labels(c)) {
					a.note(c.Name, "Service %s leads to its pods as well; it stays, and goes on doing so", s.Name)
				} else {
					a.obstacle(c.Name, "Service %s leads to its pods by labels that new pods would have otherwise (%s); change its selector, "+
						"or leave the component out with --except %s",
						s.Name, labels.FormatLabels(s.Spec.Selector), c.Name)
				}
			}
		}
	}
}

// labels of the pods that Weir makes of the component.
func (a *adopter) labels(c api.Component) labels.Set {
	out := labels.Set{}
	if c.Template != nil {
		maps.Copy(out, c.Template.Labels)
	}
	maps.Copy(out, owner.PodLabels(a.Application, c.Name, revision.Version(c, nil), c.Meshed()))
	return out
}

// accepted adds what the controller would refuse.
func (a *adopter) accepted() {
	if err := plan.Accept(a.Application); err != nil {
		a.obstacle("", "%s", err)
	}
}
