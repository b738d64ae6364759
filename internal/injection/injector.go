// SPDX-License-Identifier: Apache-2.0

// Package injection knows which pods istiod gives a sidecar when they are made, and what to do about one that came up
// without.
package injection

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	// labelInject is the label, and of old the annotation, by which a pod opts in or out.
	labelInject = "sidecar.istio.io/inject"
	// labelEnabled of a namespace lets the default revision inject, labelRevision the one that it names.
	labelEnabled  = "istio-injection"
	labelRevision = "istio.io/rev"
	labelTag      = "istio.io/tag"
	// suffix of the names of the webhooks by which istiod injects.
	suffix = "sidecar-injector.istio.io"
	// defaultRevision is what Istio calls a revision without a name.
	defaultRevision = "default"
)

// Injector is one webhook by which an istiod adds sidecars.
type Injector struct {
	// Configuration and Name of the webhook.
	Configuration, Name string
	// Revision that it injects for. Tag is the name under which it does, if that is another.
	Revision, Tag string
	// Service of the istiod that is asked, as namespace/name; empty for a URL.
	Service string
	// Required is true when a pod is refused while the istiod does not answer; otherwise it comes up without a sidecar.
	Required bool

	namespaces, objects labels.Selector
}

// Injectors finds the webhooks of istiods among all. One whose selectors cannot be read is an error.
func Injectors(all []admissionv1.MutatingWebhookConfiguration) ([]Injector, error) {
	var out []Injector
	for _, c := range all {
		for _, w := range c.Webhooks {
			if !strings.HasSuffix(w.Name, suffix) {
				continue
			}
			i := Injector{
				Configuration: c.Name, Name: w.Name, Revision: cmp.Or(c.Labels[labelRevision], defaultRevision), Tag: c.Labels[labelTag],
				Required: w.FailurePolicy == nil || *w.FailurePolicy == admissionv1.Fail,
			}
			if s := w.ClientConfig.Service; s != nil {
				i.Service = s.Namespace + "/" + s.Name
			}
			var err error
			if i.namespaces, err = selector(w.NamespaceSelector); err == nil {
				i.objects, err = selector(w.ObjectSelector)
			}
			if err != nil {
				return nil, fmt.Errorf("webhook %s of %s: %w", w.Name, c.Name, err)
			}
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b Injector) int {
		return cmp.Or(cmp.Compare(a.Configuration, b.Configuration), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

func selector(s *metav1.LabelSelector) (labels.Selector, error) {
	if s == nil {
		return labels.Everything(), nil
	}
	return metav1.LabelSelectorAsSelector(s)
}

// Match returns the injector that would be asked about a pod with these labels in a namespace with those.
func Match(all []Injector, namespace, pod map[string]string) (Injector, bool) {
	for _, i := range all {
		if i.namespaces.Matches(labels.Set(namespace)) && i.objects.Matches(labels.Set(pod)) {
			return i, true
		}
	}
	return Injector{}, false
}

// Why says in words why no injector would be asked about an opted-in pod, and what to do.
func Why(all []Injector, name string, namespace, pod map[string]string) string {
	if len(all) == 0 {
		return "no istiod injects sidecars into this cluster: there is no MutatingWebhookConfiguration of its; install Istio, or bring it back"
	}
	wanted := cmp.Or(pod[labelRevision], namespace[labelRevision])
	switch {
	case pod[labelInject] == "false":
		return "the pods themselves say sidecar.istio.io/inject: false; take that out"
	case namespace[labelEnabled] == "disabled":
		return fmt.Sprintf("injection is off for namespace %s; kubectl label namespace %s istio-injection=enabled --overwrite", name, name)
	case wanted != "" && !slices.Contains(Revisions(all), wanted):
		return fmt.Sprintf("revision %s of Istio, which namespace %s asks for, is not there; there are: %s", wanted, name,
			strings.Join(Revisions(all), ", "))
	default:
		return fmt.Sprintf("injection is not on for namespace %s; kubectl label namespace %s %s", name, name, enabling(all))
	}
}

// enabling is the label that lets one of the injectors in.
func enabling(all []Injector) string {
	if names := Revisions(all); !slices.Contains(names, defaultRevision) {
		return labelRevision + "=" + names[0]
	}
	return labelEnabled + "=enabled"
}

// Revisions are the names by which namespaces can ask for a revision, sorted.
func Revisions(all []Injector) []string {
	var out []string
	for _, i := range all {
		if name := cmp.Or(i.Tag, i.Revision); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// OptedIn tells whether the pod asks for a sidecar by itself. Whether it gets one by its namespace tells Match.
func OptedIn(pod *corev1.Pod) bool { return pod.Labels[labelInject] == "true" }
