// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/inventory"
	"weir.dev/weir/internal/plan"
)

func hasNumber(number uint32) func(corev1.ServicePort) bool {
	return func(p corev1.ServicePort) bool { return p.Port == int32(number) }
}

func podsOf(set map[string]string) func(*corev1.Pod) bool {
	return func(p *corev1.Pod) bool { return labels.SelectorFromSet(set).Matches(labels.Set(p.Labels)) }
}

func applicationNotReady(b *book, n Namespace) {
	for _, a := range n.Applications {
		where := "Application " + a.Name
		for _, kind := range []string{api.ConditionReady, api.ConditionApplied, api.ConditionInjected} {
			c := apimeta.FindStatusCondition(a.Status.Conditions, kind)
			if c != nil && c.Status == metav1.ConditionFalse && c.Reason != "Deleting" {
				b.warn(where, "weir app describe "+a.Name+" -n "+n.Name, "it is not %s: %s", kind, c.Message)
				break
			}
		}
	}
}

// callerOutside finds callers without a sidecar of components under a strategy: shares are given at the caller's sidecar.
func callerOutside(b *book, n Namespace) {
	for _, a := range n.Applications {
		for _, caller := range a.Spec.Components {
			for _, name := range caller.Uses {
				at := slices.IndexFunc(a.Spec.Components, func(c api.Component) bool { return c.Name == name })
				if at >= 0 && a.Spec.Components[at].Strategy != "" && !caller.Meshed() {
					b.warn(fmt.Sprintf("Application %s, component %s", a.Name, caller.Name), "let it into the mesh: take mesh: false out",
						"it calls %s without a sidecar, so the strategy of %s has no effect on its calls: they go to pods of all versions alike", name, name)
				}
			}
		}
	}
}

// lonely finds components under a strategy that nobody calls.
func lonely(b *book, n Namespace) {
	var all []api.Application
	for _, other := range b.Namespaces {
		all = append(all, other.Applications...)
	}
	for _, a := range n.Applications {
		others := plan.Callers(&a, all)
		for _, c := range a.Spec.Components {
			called := c.Expose != nil || len(others[c.Name]) > 0 ||
				slices.ContainsFunc(a.Spec.Components, func(o api.Component) bool { return slices.Contains(o.Uses, c.Name) })
			if c.Strategy != "" && !called {
				b.warn(fmt.Sprintf("Application %s, component %s", a.Name, c.Name), "name its callers under uses, or expose it",
					"it has a strategy, and nobody is said to call it: shares are given at callers' sidecars")
			}
		}
	}
}

func orphan(b *book, n Namespace) {
	for _, o := range inventory.Orphans(n.Applications, n.Objects) {
		b.warn(o.Kind+" "+o.Name, "weir app delete --orphans -n "+n.Name, "it was made for an application %s, and none has it",
			o.Labels[api.LabelApplication])
	}
}
