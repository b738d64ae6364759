// SPDX-License-Identifier: Apache-2.0

// Package check examines a cluster and its namespaces: what Weir and the mesh need, and what will bite later. Each finding
// says what is wrong, where, and what to do.
package check

import (
	"cmp"
	"fmt"
	"slices"

	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
)

// Level is how bad a finding is.
type Level string

const (
	// Good is as it should be.
	Good Level = "good"
	// Warning will bite some day, or somebody.
	Warning Level = "warning"
	// Fault keeps something from working.
	Fault Level = "fault"
)

// Finding is one thing that was found.
type Finding struct {
	// Rule names what was looked for, such as PortUnnamed.
	Rule  string `json:"rule"`
	Level Level  `json:"level"`
	// Namespace is empty for what concerns the cluster.
	Namespace string `json:"namespace,omitempty"`
	// Where is the object, as Kind name, and the field if there is one.
	Where string `json:"where,omitempty"`
	What  string `json:"what"`
	// Do is what to do about it; empty for what is good.
	Do string `json:"do,omitempty"`
}

// Cluster is what concerns all namespaces.
type Cluster struct {
	// Kubernetes is the API server's version.
	Kubernetes string
	// Kinds that are served, as Kind.group.
	Kinds map[string]bool
	// Istiods, and the Injectors by which they give pods sidecars.
	Istiods   []Istiod
	Injectors []injection.Injector
	// CNI is true when istio-cni sets up pods, so that they need no rights of their own for it.
	CNI bool
	// Gateways counts the ready pods of the ingress gateway, by their namespace.
	Gateways map[string]int
	// Missing are the rights that whoever asks lacks for an install, such as create namespaces.
	Missing []string
	// Prometheus is what came of asking it.
	Prometheus Prometheus
	// Weir is what there is of Weir; nil when it is not installed.
	Weir *Weir
}

// Istiod is one Deployment of istiod.
type Istiod struct {
	Namespace, Name, Revision, Version string
	Ready                              int32
}

// Prometheus is what came of asking it.
type Prometheus struct {
	// URL that was asked; empty when it was not.
	URL string
	// Problem in words; empty when it answered.
	Problem string
	// Mesh is true when it has Istio's standard metrics.
	Mesh bool
}

// Weir is an installation of it.
type Weir struct {
	Namespace, Image string
	Ready, Wanted    int32
}

// Namespace is what is in a namespace.
type Namespace struct {
	Name         string
	Labels       map[string]string
	Pods         []corev1.Pod
	Services     []corev1.Service
	Deployments  []appsv1.Deployment
	StatefulSets []appsv1.StatefulSet
	Routes       []*istio.VirtualService
	Rules        []*istio.DestinationRule
	Applications []api.Application
	// Gateways are the names of Istio's; nil when they may not be seen.
	Gateways []string
	// Loopback are the doubts that proved true: the process answers at 127.0.0.1 what it does not at the pod's address.
	Loopback []Doubt
	// Objects are the metadata of all of these.
	Objects []metav1.PartialObjectMetadata
}

// Snapshot is all that is looked at.
type Snapshot struct {
	Cluster    Cluster
	Namespaces []Namespace
	// Kinds tells of a kind of Weir's and its users' whether it can be listed; what cannot is not checked.
	Hidden []string
}

// book gathers what rules find.
type book struct {
	Snapshot

	rule, namespace string
	found           []Finding
}

func (b *book) say(level Level, where, do, format string, args ...any) {
	b.found = append(b.found, Finding{
		Rule: b.rule, Level: level, Namespace: b.namespace, Where: where, What: fmt.Sprintf(format, args...), Do: do,
	})
}

func (b *book) fault(where, do, format string, args ...any) {
	b.say(Fault, where, do, format, args...)
}

func (b *book) warn(where, do, format string, args ...any) {
	b.say(Warning, where, do, format, args...)
}

func (b *book) good(format string, args ...any) { b.say(Good, "", "", format, args...) }

// Run applies every rule. Findings of the cluster come first, then those of each namespace by its name, the worst first.
func Run(s Snapshot) []Finding {
	b := &book{Snapshot: s}
	for _, r := range clusterRules {
		b.rule = r.name
		r.look(b)
	}
	out := b.found
	namespaces := slices.Clone(s.Namespaces)
	slices.SortFunc(namespaces, func(x, y Namespace) int { return cmp.Compare(x.Name, y.Name) })
	for _, n := range namespaces {
		b.found, b.namespace = nil, n.Name
		for _, r := range namespaceRules {
			b.rule = r.name
			r.look(b, n)
		}
		slices.SortStableFunc(b.found, func(x, y Finding) int { return cmp.Compare(weight(x.Level), weight(y.Level)) })
		out = append(out, b.found...)
	}
	return out
}

func weight(l Level) int { return slices.Index([]Level{Fault, Warning, Good}, l) }

// Worst is the worst level among findings; Good when there are none.
func Worst(all []Finding) Level {
	worst := Good
	for _, f := range all {
		if weight(f.Level) < weight(worst) {
			worst = f.Level
		}
	}
	return worst
}
