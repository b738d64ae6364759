// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/container"
)

// again is after how many ends of a container it is no accident.
const again = 2

// podFails finds pods that will not answer as they are. Of an application's own it says so itself.
func podFails(b *book, n Namespace) {
	for _, p := range n.live() {
		if p.Labels[api.LabelApplication] != "" {
			continue
		}
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
				b.fault(workload(p), "let it ask for less, or give the cluster a node that has it", "no node takes pod %s: %s", p.Name, c.Message)
			}
		}
		for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			b.container(n, p, s)
		}
	}
}

// container finds out why the container does not run.
func (b *book) container(n Namespace, p *corev1.Pod, s corev1.ContainerStatus) {
	reason, words := "", ""
	if w := s.State.Waiting; w != nil {
		reason, words = w.Reason, w.Message
	}
	ended := s.LastTerminationState.Terminated
	if s.State.Terminated != nil {
		ended = s.State.Terminated
	}
	switch {
	case container.Unfetched(reason):
		b.fault(workload(p), "correct the image, or name what may fetch it under imagePullSecrets",
			"container %s of pod %s has no image %s: %s", s.Name, p.Name, s.Image, cmp.Or(words, reason))
	case container.Unmade(reason):
		b.fault(workload(p), "make what it names, or correct the name",
			"container %s of pod %s cannot be made: %s", s.Name, p.Name, cmp.Or(words, reason))
	case !s.Ready && s.State.Running == nil && ended != nil && ended.ExitCode != 0 && s.RestartCount >= again:
		b.fault(workload(p), fmt.Sprintf("kubectl -n %s logs %s -c %s --previous", n.Name, p.Name, s.Name),
			"container %s of pod %s ends again and again, %d times by now, the last time with exit code %d",
			s.Name, p.Name, s.RestartCount, ended.ExitCode)
	}
}

// podsRefused finds Deployments whose pods nobody lets be made.
func podsRefused(b *book, n Namespace) {
	for _, d := range n.Deployments {
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
				b.fault("Deployment "+d.Name, "mend what the words name", "its pods cannot be made: %s", c.Message)
			}
		}
	}
}

// gatewayMissing finds routes of gateways that are not there; nobody comes in by them.
func gatewayMissing(b *book, n Namespace) {
	for _, v := range n.Routes {
		for _, g := range v.Spec.Gateways {
			namespace, name, other := strings.Cut(g, "/")
			if !other {
				namespace, name = n.Name, g
			}
			at, seen := b.at(namespace)
			if g == "mesh" || !seen || at.Gateways == nil || slices.Contains(at.Gateways, name) {
				continue
			}
			b.fault("VirtualService "+v.Name+", spec.gateways", "correct the name, or make the Gateway",
				"there is no Gateway %s in %s: nobody comes in from outside by these routes", name, namespace)
		}
	}
}
