// SPDX-License-Identifier: Apache-2.0

// Package external looks at a component whose workloads are somebody else's: they are known by their labels, and left as they are.
package external

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
)

// Labels of pods by which a component and its versions are known.
const (
	LabelApp     = "app"
	LabelVersion = "version"
)

// Seen is what there is of a component.
type Seen struct {
	// Component is its name.
	Component string
	// Service of the component's name; nil when there is none.
	Service *corev1.Service
	// Deployments and Pods of all versions.
	Deployments []appsv1.Deployment
	Pods        []corev1.Pod
}

// Of is the component that a Deployment of somebody else's belongs to; empty when its pods do not say, or it is Weir's own.
func Of(d *appsv1.Deployment) string {
	if d.Labels[api.LabelApplication] != "" || d.Spec.Template.Labels[LabelVersion] == "" {
		return ""
	}
	return d.Spec.Template.Labels[LabelApp]
}

// Workload is what runs one version.
type Workload struct {
	// Replicas is how many pods its owner gave it; 0 when there is no Deployment.
	Replicas int32
	// Settled is true when all of its pods are of its newest template and available.
	Settled bool
	Pods    []corev1.Pod
}

// Version returns what runs the version.
func (s Seen) Version(version string) Workload {
	w := Workload{Settled: true}
	for _, d := range s.Deployments {
		if d.Spec.Template.Labels[LabelVersion] != version {
			continue
		}
		n := ptr.Deref(d.Spec.Replicas, 1)
		w.Replicas += n
		w.Settled = w.Settled && d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == n &&
			d.Status.AvailableReplicas >= n && d.Status.Replicas == n
	}
	w.Settled = w.Settled && w.Replicas > 0
	for _, p := range s.Pods {
		if p.Labels[LabelVersion] == version && p.Labels[api.LabelApplication] == "" {
			w.Pods = append(w.Pods, p)
		}
	}
	return w
}

// Lacks says what keeps requests from being routed to a version of the component, and what to do; empty when nothing does.
func (s Seen) Lacks(c api.Component, version string) string {
	if w := s.Version(version); w.Replicas == 0 {
		return fmt.Sprintf("no Deployment has pods with the labels %s: %s and %s: %s; deploy it", LabelApp, c.Name, LabelVersion, version)
	}
	if s.Service == nil {
		return fmt.Sprintf("there is no Service %s, by which callers know it; it belongs to whoever deploys %s", c.Name, c.Name)
	}
	for _, p := range c.Ports {
		if !slices.ContainsFunc(s.Service.Spec.Ports, func(o corev1.ServicePort) bool { return o.Port == p.Port }) {
			return fmt.Sprintf("Service %s has no port %d; correct it, or the component's ports", c.Name, p.Port)
		}
	}
	for _, d := range s.Deployments {
		pod := d.Spec.Template.Labels
		if selector := labels.SelectorFromSet(s.Service.Spec.Selector); pod[LabelVersion] == version &&
			(selector.Empty() || !selector.Matches(labels.Set(pod))) {
			return fmt.Sprintf("Service %s does not select the pods of Deployment %s (it selects %s); select those "+
				"of all versions, for example by %s: %s alone",
				c.Name, d.Name, selector, LabelApp, c.Name)
		}
	}
	return ""
}
