// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// obstacles finds why the adoption would lose something.
func (a *adopter) obstacles() {
	if a.around.Labels["istio-injection"] == "disabled" {
		a.obstacle("", "namespace %s has the label istio-injection: disabled, so its pods get no sidecar; set it to enabled", a.seen.Name)
	}
	for _, c := range a.Application.Spec.Components {
		for _, b := range a.made[c.Name] {
			a.owned(c.Name, b)
			a.trusted(c.Name, b)
			if b.kind == api.StatefulSet {
				a.stored(c, b)
			} else {
				a.twice(c.Name, b)
			}
		}
	}
	a.accepted()
}

// owned workloads are made by something that would make them again.
func (a *adopter) owned(component string, b source) {
	for _, d := range a.seen.Deployments {
		a.controlled(component, b, &d, "Deployment")
	}
	for _, s := range a.seen.StatefulSets {
		a.controlled(component, b, &s, "StatefulSet")
	}
}

func (a *adopter) controlled(component string, b source, o metav1.Object, kind string) {
	if by := metav1.GetControllerOf(o); by != nil && o.GetName() == b.name && kind == string(b.kind) {
		a.obstacle(component, "%s %s belongs to %s %s, which would change it back; "+
			"adopt it with external: true, or leave it out with --except %s",
			kind, b.name, by.Kind, by.Name, component)
	}
}

// trusted accounts may do what the component's own may not.
func (a *adopter) trusted(component string, b source) {
	account := b.pods.Spec.ServiceAccountName
	if account == "" || account == component {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(a.around.Trusted)) {
		if slices.ContainsFunc(a.around.Trusted[name],
			func(text string) bool { return text == account || strings.HasSuffix(text, "/sa/"+account) }) {
			a.obstacle(component, "%s names account %s, as which its pods run; name account %s there as well, and adopt then", name, account,
				component)
		}
	}
}

// stored is what a StatefulSet keeps, under names that must stay.
func (a *adopter) stored(c api.Component, b source) {
	if b.name != c.Name {
		a.obstacle(c.Name, "StatefulSet %s answers for Service %s, and what its pods keep goes by its own name; leave it out with --except %s",
			b.name, c.Name, c.Name)
	}
	if app := b.pods.Labels["app"]; app != "" && app != c.Name {
		a.obstacle(c.Name, "pods of StatefulSet %s have the label app: %s, and would need app: %s; leave it out with --except %s", b.name, app,
			c.Name, c.Name)
	}
	if len(a.made[c.Name]) > 1 {
		a.obstacle(c.Name, "StatefulSet %s answers together with others, and no component is made of two; leave it out with --except %s", b.name,
			c.Name)
	}
	i := slices.IndexFunc(a.seen.StatefulSets, func(s appsv1.StatefulSet) bool { return s.Name == b.name })
	if i >= 0 && a.seen.StatefulSets[i].Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
		a.note(c.Name, "its pods were started all at once, and are started one after the other from now on")
	}
}

// twice finds what old and new pods must not have at the same time.
func (a *adopter) twice(component string, b source) {
	for _, v := range b.pods.Spec.Volumes {
		if v.PersistentVolumeClaim != nil && !v.PersistentVolumeClaim.ReadOnly {
			a.obstacle(component, "%s %s writes to claim %s, and old and new pods would do so at the same time; leave it out with --except %s",
				b.kind, b.name, v.PersistentVolumeClaim.ClaimName, component)
		}
	}
	for _, c := range b.pods.Spec.Containers {
		if slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 }) {
			a.obstacle(component, "%s %s listens on a port of its node, and old and new pods would both want it; leave it out with --except %s",
				b.kind, b.name, component)
		}
	}
}
