// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Taken names an object of somebody else whose place the Application takes, in its own namespace.
type Taken struct {
	// Kind of the object. A Deployment answers until the components' own pods are ready and every caller knows of them, and
	// then has none. The pods of a StatefulSet go on running in the component of its name. A Service keeps its address, and
	// leads to the component of its name. A ServiceAccount is used as it is. The others are routes, which are deleted or, if
	// they have the names of the Application's own, written over.
	// +kubebuilder:validation:Enum=Deployment;StatefulSet;Service;ServiceAccount;VirtualService;DestinationRule;Gateway
	Kind string `json:"kind"`
	// Name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// TakenRecord is what was taken over, and how it was.
type TakenRecord struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Was is the object as it was before anything was done to it.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +optional
	Was *runtime.RawExtension `json:"was,omitempty"`
	// At is when it had been taken over.
	// +optional
	At *metav1.MicroTime `json:"at,omitempty"`
	// Clear is since when no route names versions of a Service of which old and new pods are not selected alike, so that the
	// Service may lead to the others, on the way there and on the way back.
	// +optional
	Clear *metav1.MicroTime `json:"clear,omitempty"`
	// Back is when it had been given back.
	// +optional
	Back *metav1.MicroTime `json:"back,omitempty"`
}

// ConditionTakenOver is true when all that the Application takes over has been. It is there only if there is something.
const ConditionTakenOver = "TakenOver"
