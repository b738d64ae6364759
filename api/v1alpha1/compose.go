// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
)

// Kind is what runs a component.
//
// +kubebuilder:validation:Enum=Deployment;StatefulSet;Job;CronJob
type Kind string

// The kinds of a component.
const (
	Deployment  Kind = "Deployment"
	StatefulSet Kind = "StatefulSet"
	Job         Kind = "Job"
	CronJob     Kind = "CronJob"
)

// Init is a container that runs to its end before the component starts.
type Init struct {
	// Name of the container, another than the component's.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Image of the container. Default: the component's own.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Image string `json:"image,omitempty"`
	// Command replaces the image's entrypoint.
	// +listType=atomic
	// +optional
	Command []string `json:"command,omitempty"`
	// Args are the arguments of the container.
	// +listType=atomic
	// +optional
	Args []string `json:"args,omitempty"`
	// Env are environment variables of the container. Those of the component are not handed on.
	// +listType=map
	// +listMapKey=name
	// +optional
	Env []corev1.EnvVar `json:"env,omitempty"`
}

// Claim is a volume that each pod of a StatefulSet has for itself, mounted at a path.
type Claim struct {
	// Name of the volume.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Path it is mounted at.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^/`
	Path string `json:"path"`
	// Size of the volume, such as 10Gi.
	Size resource.Quantity `json:"size"`
	// StorageClass says where volumes come from. Default: the cluster's default class.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClass string `json:"storageClass,omitempty"`
}

// Template is merged over what Weir makes of the other fields.
type Template struct {
	// Labels of the pods besides those that Weir sets.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !(k in ['app', 'version', 'sidecar.istio.io/inject', 'app.kubernetes.io/name', 'app.kubernetes.io/part-of', 'app.kubernetes.io/version', 'app.kubernetes.io/managed-by']) && !k.startsWith('weir.dev/'))",message="app, version, sidecar.istio.io/inject, those of app.kubernetes.io and those of weir.dev are labels that Weir sets; leave them out, and use version and mesh instead"
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations of the pods.
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="!('sidecar.istio.io/inject' in self)",message="whether there is a sidecar is said by mesh; leave sidecar.istio.io/inject out"
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
	// Spec is a piece of a Kubernetes PodSpec. Lists such as containers and volumes are merged by name; the component's own
	// container has the component's name. "$patch: delete" takes away what Weir would set, as in kubectl patch.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +optional
	Spec *runtime.RawExtension `json:"spec,omitempty"`
}
