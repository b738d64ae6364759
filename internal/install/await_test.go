// SPDX-License-Identifier: Apache-2.0

package install

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRolledOut(t *testing.T) {
	two := int32(2)
	done := appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}
	for name, test := range map[string]struct {
		change func(*appsv1.DeploymentStatus)
		want   bool
	}{
		"all pods are new and available": {func(*appsv1.DeploymentStatus) {}, true},
		"not looked at yet":              {func(s *appsv1.DeploymentStatus) { s.ObservedGeneration = 2 }, false},
		"one is of the old template":     {func(s *appsv1.DeploymentStatus) { s.UpdatedReplicas = 1 }, false},
		"an old one is still there":      {func(s *appsv1.DeploymentStatus) { s.Replicas = 3 }, false},
		"one is not available":           {func(s *appsv1.DeploymentStatus) { s.AvailableReplicas = 1 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: 3}, Spec: appsv1.DeploymentSpec{Replicas: &two}, Status: done}
			test.change(&d.Status)
			if got := rolledOut(d); got != test.want {
				t.Errorf("rolledOut() = %v, want %v", got, test.want)
			}
		})
	}
}

func TestPodProblem(t *testing.T) {
	waiting := func(reason, message string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Image: "r.example/weir:1",
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
			}}
		}
	}
	for name, test := range map[string]struct {
		change func(*corev1.Pod)
		want   string
		final  bool
	}{
		"just made":         {func(*corev1.Pod) {}, "pod weir-0 is not ready", false},
		"on its way out":    {func(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{} }, "", false},
		"starting":          {waiting("ContainerCreating", ""), "pod weir-0: ContainerCreating", false},
		"first try to pull": {waiting("ErrImagePull", "no such host"), "pod weir-0: ErrImagePull: no such host", false},
		"cannot be pulled": {waiting("ImagePullBackOff", "no such host"),
			"pod weir-0: ImagePullBackOff: no such host (image r.example/weir:1); push an image there", true},
		"crashes": {waiting("CrashLoopBackOff", "back-off 10s"), "pod weir-0: CrashLoopBackOff: back-off 10s", true},
		"no room": {func(pod *corev1.Pod) {
			pod.Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/1 nodes are available",
			}}
		}, "pod weir-0 has no node: 0/1 nodes are available", false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "weir-0"}}
			test.change(pod)
			got := podProblem(pod)
			if !strings.HasPrefix(got.text, test.want) || (test.want == "") != (got.text == "") || got.final != test.final {
				t.Errorf("podProblem() = %+v, want %q final %v", got, test.want, test.final)
			}
		})
	}
}
