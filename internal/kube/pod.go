// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"weir.dev/weir/internal/container"
	"weir.dev/weir/internal/injection"
)

// PodReady tells whether the pod may receive requests: ready, not ending, and with its sidecar when it has to have one.
func PodReady(pod *corev1.Pod, meshed bool) bool {
	if pod.DeletionTimestamp != nil || meshed && !injection.HasSidecar(pod) {
		return false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// PodProblem says in words why the pod is not ready; empty when it is ready or only needs more time.
func PodProblem(pod *corev1.Pod, meshed bool) string {
	if meshed && !injection.HasSidecar(pod) {
		return "it came up without a sidecar; is istiod running, and is the namespace labeled istio-injection=enabled?"
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return "no node has room for it: " + c.Message
		}
	}
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if problem := container.Problem(status); problem != "" {
			return problem
		}
	}
	return deaf(pod)
}

// deaf finds a container that runs, and whose port takes no connection at the pod's address. It may just be starting; that
// it listens elsewhere cannot be seen from outside of the pod, so the words name both.
func deaf(pod *corev1.Pod) string {
	if injection.Unready(pod) {
		return "" // it is the sidecar that asks
	}
	for _, status := range pod.Status.ContainerStatuses {
		probe := injection.Readiness(pod, status.Name)
		if status.State.Running == nil || status.Ready || probe == nil || probe.TCPSocket == nil {
			continue
		}
		port := probe.TCPSocket.Port.String()
		return fmt.Sprintf("container %s takes no connections on port %s of the pod's address yet; "+
			"if it is not just starting, it listens on another port, or on 127.0.0.1 only: make it listen on 0.0.0.0:%s", status.Name, port, port)
	}
	return ""
}
