// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"weir.dev/weir/internal/injection"
)

// Doubt is a port of a running container whose readiness probe fails at the pod's address. What it says at 127.0.0.1 of the
// pod tells whether the process listens there alone.
type Doubt struct {
	Pod, Container string
	// Probe that fails, as its author wrote it.
	Probe *corev1.Probe
	Port  int32
}

// Doubts are those of a namespace, one a container of a workload.
func Doubts(n Namespace) []Doubt {
	var out []Doubt
	for _, p := range n.waiting() {
		for _, s := range p.Status.ContainerStatuses {
			probe := injection.Readiness(p, s.Name)
			number := asked(p, s.Name, probe)
			if s.State.Running != nil && !s.Ready && number != 0 {
				out = append(out, Doubt{Pod: p.Name, Container: s.Name, Probe: probe, Port: number})
			}
		}
	}
	return out
}

// waiting are the pods that are not ready, one a workload; those whose sidecar is not say nothing of the process beside it.
func (n Namespace) waiting() []*corev1.Pod {
	unready := n
	unready.Pods = slices.DeleteFunc(slices.Clone(n.Pods), func(p corev1.Pod) bool {
		return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}) || injection.Unready(&p)
	})
	return unready.live()
}

// asked is the number of the port that the probe asks at; 0 when it asks at none, or in a way that is not repeated here.
func asked(p *corev1.Pod, container string, probe *corev1.Probe) int32 {
	switch {
	case probe == nil:
		return 0
	case probe.TCPSocket != nil:
		return numbered(p, container, probe.TCPSocket.Port)
	case probe.HTTPGet != nil && probe.HTTPGet.Host == "" && probe.HTTPGet.Scheme != corev1.URISchemeHTTPS:
		return numbered(p, container, probe.HTTPGet.Port)
	}
	return 0
}

// loopbackOnly finds processes that nobody but themselves can reach.
func loopbackOnly(b *book, n Namespace) {
	for _, d := range n.Loopback {
		at := slices.IndexFunc(n.Pods, func(p corev1.Pod) bool { return p.Name == d.Pod })
		if at < 0 {
			continue
		}
		b.fault(workload(&n.Pods[at]), fmt.Sprintf("make it listen on 0.0.0.0:%d, which is every address, by its arguments or settings", d.Port),
			"container %s listens on 127.0.0.1:%d only, where no other pod can reach it: its readiness probe fails at the pod's "+
				"address, and would pass there", d.Container, d.Port)
	}
}
