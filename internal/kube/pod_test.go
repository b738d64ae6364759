// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"weir.dev/weir/internal/mesh"
)

func meshedPod(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Spec.InitContainers = []corev1.Container{{Name: mesh.ProxyContainer}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	change(pod)
	return pod
}

func TestPodReady(t *testing.T) {
	cases := map[string]struct {
		change func(*corev1.Pod)
		meshed bool
		want   bool
	}{
		"ready with a native sidecar": {func(*corev1.Pod) {}, true, true},
		"ready with a sidecar container": {func(p *corev1.Pod) {
			p.Spec.InitContainers, p.Spec.Containers = nil, []corev1.Container{{Name: mesh.ProxyContainer}}
		}, true, true},
		"ready without a sidecar":           {func(p *corev1.Pod) { p.Spec.InitContainers = nil }, true, false},
		"without a sidecar, needing none":   {func(p *corev1.Pod) { p.Spec.InitContainers = nil }, false, true},
		"ending":                            {func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }, true, false},
		"not ready":                         {func(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }, true, false},
		"so new that nothing is said of it": {func(p *corev1.Pod) { p.Status.Conditions = nil }, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := PodReady(meshedPod(c.change), c.meshed); got != c.want {
				t.Errorf("ready = %v, want %v", got, c.want)
			}
		})
	}
}

func TestPodProblem(t *testing.T) {
	waiting := func(reason, message string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Name: "reviews", Image: "reviews:v9",
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
				LastTerminationState: corev1.ContainerState{
					Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error", Message: "no\n  database"},
				},
			}}
		}
	}
	// running is not ready, and asked at port 8080 by the sidecar.
	running := func(sidecar bool) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.InitContainers[0].Env = []corev1.EnvVar{{
				Name: "ISTIO_KUBE_APP_PROBERS", Value: `{"/app-health/reviews/readyz":{"tcpSocket":{"port":8080}}}`,
			}}
			p.Spec.Containers = []corev1.Container{{Name: "reviews", ReadinessProbe: &corev1.Probe{
				ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{}},
			}}}
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: mesh.ProxyContainer, Ready: sidecar}}
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Name: "reviews", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
			}}
		}
	}
	cases := map[string]struct {
		change func(*corev1.Pod)
		want   string // part of the words; empty: no problem
	}{
		"takes no connections":     {running(true), "container reviews takes no connections on port 8080"},
		"its sidecar is not ready": {running(false), ""},
		"its port is open": {func(p *corev1.Pod) {
			running(true)(p)
			p.Status.ContainerStatuses[0].Ready = true
		}, ""},
		"healthy":                 {func(*corev1.Pod) {}, ""},
		"no sidecar":              {func(p *corev1.Pod) { p.Spec.InitContainers = nil }, "without a sidecar"},
		"no such image":           {waiting("ImagePullBackOff", "not found"), "image reviews:v9 cannot be pulled: not found"},
		"image not on the node":   {waiting("ErrImageNeverPull", "absent"), "cannot be pulled"},
		"missing ConfigMap":       {waiting("CreateContainerConfigError", "configmap x not found"), "container reviews cannot be started: configmap x"},
		"crashes":                 {waiting("CrashLoopBackOff", "back-off"), "container reviews ends with exit code 3: no database"},
		"is still being made":     {waiting("ContainerCreating", ""), ""},
		"endless words are short": {waiting("ErrImagePull", strings.Repeat("word ", 200)), "…"},
		"no room": {func(p *corev1.Pod) {
			p.Status.Conditions = append(p.Status.Conditions,
				corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "insufficient cpu"})
		}, "no node has room for it: insufficient cpu"},
		"out of memory": {func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Name: "reviews", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}},
			}}
		}, "exit code 137 (OOMKilled)"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := PodProblem(meshedPod(c.change), true)
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("problem %q, want %q in it", got, c.want)
			}
		})
	}
}
