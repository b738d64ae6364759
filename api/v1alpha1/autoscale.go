// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import autoscalingv2 "k8s.io/api/autoscaling/v2"

// Autoscale lets the number of pods follow the load: each version has a HorizontalPodAutoscaler of its own.
//
// +kubebuilder:validation:XValidation:rule="self.max >= (has(self.min) ? self.min : 1)",fieldPath=".max",message="max is the most pods there may be; it must not be below min"
type Autoscale struct {
	// Min is the fewest pods. Default: 1.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Min *int32 `json:"min,omitempty"`
	// Max is the most pods.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Max int32 `json:"max"`
	// CPU is how much of the CPU that resources requests the component's container is to use on average, in percent.
	// Default: 80, when neither memory nor metrics are given.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	CPU *int32 `json:"cpu,omitempty"`
	// Memory is how much of the memory that resources requests the component's container is to use on average, in percent.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Memory *int32 `json:"memory,omitempty"`
	// Metrics are others, as in a HorizontalPodAutoscaler. An object that is described names it as it is.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Metrics []autoscalingv2.MetricSpec `json:"metrics,omitempty"`
	// Behavior says how fast pods are added and taken away, as in a HorizontalPodAutoscaler.
	// +optional
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
}

// Pods is the number of pods to begin with, and the fewest when it is autoscaled.
func (c Component) Pods() int32 {
	switch {
	case c.Autoscale != nil && c.Autoscale.Min != nil:
		return *c.Autoscale.Min
	case c.Autoscale == nil && c.Replicas != nil:
		return *c.Replicas
	default:
		return 1
	}
}
