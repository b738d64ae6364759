// SPDX-License-Identifier: Apache-2.0

// Package owner marks what is generated with whom it belongs to.
package owner

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
)

// Labels of pods that other tools of the mesh go by.
const (
	LabelApp       = "app"
	LabelVersion   = "version"
	LabelInject    = "sidecar.istio.io/inject"
	labelName      = "app.kubernetes.io/name"
	labelPartOf    = "app.kubernetes.io/part-of"
	labelVersion   = "app.kubernetes.io/version"
	labelManagedBy = "app.kubernetes.io/managed-by"
	managedBy      = "weir"
)

// Meta returns the metadata of an object that belongs to the application. component is empty for what belongs to it as a
// whole. An application that was never stored has no UID; then there is no owner reference.
func Meta(a *api.Application, component, name string) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{Namespace: a.Namespace, Name: name, Labels: Labels(a, component, "")}
	if a.UID != "" {
		meta.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: api.GroupVersion.String(), Kind: "Application", Name: a.Name, UID: a.UID,
			Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
		}}
	}
	return meta
}

// Labels returns the labels of an object of the application; component and version are left out when they are empty.
func Labels(a *api.Application, component, version string) map[string]string {
	labels := map[string]string{api.LabelApplication: a.Name, labelPartOf: a.Name, labelManagedBy: managedBy}
	if component != "" {
		labels[api.LabelComponent], labels[labelName] = component, component
	}
	if version != "" {
		labels[api.LabelVersion], labels[labelVersion] = version, version
	}
	return labels
}

// PodLabels returns the labels of a version's pods, by which Services, subsets and the mesh's metrics know them.
func PodLabels(a *api.Application, component, version string, mesh bool) map[string]string {
	labels := Labels(a, component, version)
	labels[LabelApp], labels[LabelVersion] = component, version
	labels[LabelInject] = map[bool]string{true: "true", false: "false"}[mesh]
	return labels
}

// Selector selects the pods of a version, or of all versions of the component when version is empty.
func Selector(a *api.Application, component, version string) map[string]string {
	s := map[string]string{LabelApp: component, api.LabelApplication: a.Name}
	if version != "" {
		s[LabelVersion] = version
	}
	return s
}
