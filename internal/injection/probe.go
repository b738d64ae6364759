// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"weir.dev/weir/internal/mesh"
)

// variableProbes of the sidecar holds the probes that it carries out in the kubelet's place, by the path it is asked at.
const variableProbes = "ISTIO_KUBE_APP_PROBERS"

// HasSidecar tells whether istiod injected its proxy, as a container or as a native sidecar.
func HasSidecar(pod *corev1.Pod) bool {
	named := func(c corev1.Container) bool { return c.Name == mesh.ProxyContainer }
	return slices.ContainsFunc(pod.Spec.Containers, named) || slices.ContainsFunc(pod.Spec.InitContainers, named)
}

// Unready tells whether the pod has a sidecar that is not ready.
func Unready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses),
		func(s corev1.ContainerStatus) bool {
			return s.Name == mesh.ProxyContainer && !s.Ready
		})
}

// Readiness returns the container's readiness probe as it was written: in the mesh the kubelet asks the sidecar, which knows
// what it is to ask. It is nil when there is none.
func Readiness(pod *corev1.Pod, container string) *corev1.Probe {
	at := slices.IndexFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == container })
	if at < 0 || pod.Spec.Containers[at].ReadinessProbe == nil {
		return nil
	}
	probe := pod.Spec.Containers[at].ReadinessProbe.DeepCopy()
	var written map[string]corev1.ProbeHandler
	if json.Unmarshal([]byte(handedOver(pod)), &written) != nil {
		return probe
	}
	if handler, ok := written["/app-health/"+container+"/readyz"]; ok {
		probe.ProbeHandler = handler
	}
	return probe
}

// handedOver are the probes that the sidecar carries out, as JSON.
func handedOver(pod *corev1.Pod) string {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, v := range c.Env {
			if c.Name == mesh.ProxyContainer && v.Name == variableProbes {
				return v.Value
			}
		}
	}
	return ""
}
