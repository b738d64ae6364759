// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/revision"
)

// defaultCPU is what Kubernetes takes when no metric is given, in percent.
const defaultCPU = 80

// Autoscaler counts the pods of one version; c is the component as it is now. While a release says how many pods the version
// should have, that is the fewest: pods that are made before the requests that they are for are not taken away again.
func Autoscaler(a *api.Application, c api.Component, w api.VersionWanted) *autoscalingv2.HorizontalPodAutoscaler {
	name, target := revision.Name(c.Name, w.Version), "Deployment"
	if c.Kind == api.StatefulSet {
		name, target = c.Name, "StatefulSet"
	}
	least := max(c.Pods(), w.Replicas)
	h := &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: owner.Meta(a, c.Name, name),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: target, Name: name},
			MinReplicas:    ptr.To(least), MaxReplicas: max(c.Autoscale.Max, least),
			Metrics: metrics(c), Behavior: c.Autoscale.Behavior.DeepCopy(),
		},
	}
	h.Labels = owner.Labels(a, c.Name, w.Version)
	return h
}

// metrics look at the component's own container: what the sidecar uses would water the average down.
func metrics(c api.Component) []autoscalingv2.MetricSpec {
	var out []autoscalingv2.MetricSpec
	use := func(resource corev1.ResourceName, percent *int32) {
		if percent != nil {
			out = append(out, autoscalingv2.MetricSpec{
				Type: autoscalingv2.ContainerResourceMetricSourceType,
				ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
					Name: resource, Container: c.Name,
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: percent},
				},
			})
		}
	}
	s := c.Autoscale
	cpu := s.CPU
	if cpu == nil && s.Memory == nil && len(s.Metrics) == 0 {
		cpu = ptr.To[int32](defaultCPU)
	}
	use(corev1.ResourceCPU, cpu)
	use(corev1.ResourceMemory, s.Memory)
	return append(out, slices.Clone(s.Metrics)...)
}
