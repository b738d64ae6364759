// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"unique"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Lean keeps objects in less memory: without who wrote which field, and with texts that many of them have, such as the names and
// values of labels, held once. It is a cache's transformation.
func Lean(obj any) (any, error) {
	o, ok := obj.(metav1.Object)
	if !ok {
		return obj, nil
	}
	o.SetManagedFields(nil)
	o.SetNamespace(once(o.GetNamespace()))
	o.SetLabels(lean(o.GetLabels()))
	owners := o.GetOwnerReferences()
	for i := range owners {
		owner := &owners[i]
		owner.APIVersion, owner.Kind, owner.Name = once(owner.APIVersion), once(owner.Kind), once(owner.Name)
		owner.UID = types.UID(once(string(owner.UID)))
	}
	switch o := obj.(type) {
	case *appsv1.Deployment:
		o.Spec.Template.Labels = lean(o.Spec.Template.Labels)
		if o.Spec.Selector != nil {
			o.Spec.Selector.MatchLabels = lean(o.Spec.Selector.MatchLabels)
		}
	case *corev1.Service:
		o.Spec.Selector = lean(o.Spec.Selector)
	}
	return obj, nil
}

func lean(texts map[string]string) map[string]string {
	if texts == nil {
		return nil
	}
	out := make(map[string]string, len(texts))
	for name, value := range texts {
		out[once(name)] = once(value)
	}
	return out
}

// once is the same text, in the memory of those that came before it.
func once(text string) string { return unique.Make(text).Value() }
