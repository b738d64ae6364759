// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/plan/port"
)

// spoken is what the mesh takes the port for.
func spoken(p corev1.ServicePort) port.Found {
	return port.Find(api.Port{Port: p.Port, Name: p.Name, AppProtocol: ptr.Deref(p.AppProtocol, "")}, false)
}

// said tells whether name or appProtocol say what is spoken.
func said(p corev1.ServicePort) bool {
	const untold = 1 // nobody speaks here by custom
	p.Port = untold
	return spoken(p) != spoken(corev1.ServicePort{Port: untold})
}

func (b *book) servesMesh(n Namespace, s corev1.Service) bool {
	return slices.ContainsFunc(n.selected(s), func(p *corev1.Pod) bool { return injection.HasSidecar(p) || b.wanted(n, p) })
}

// portUnnamed finds ports that Istio has to guess. It sniffs, which fails where the server speaks first.
func portUnnamed(b *book, n Namespace) {
	for _, s := range n.Services {
		if s.Labels[api.LabelApplication] != "" || !b.servesMesh(n, s) {
			continue
		}
		for _, p := range s.Spec.Ports {
			if said(p) || p.Protocol == corev1.ProtocolUDP || p.Protocol == corev1.ProtocolSCTP {
				continue
			}
			guess := spoken(p).Protocol
			b.warn(fmt.Sprintf("Service %s, port %d", s.Name, p.Port),
				fmt.Sprintf("set appProtocol: %s if that is it, or name the port such as %s-api", guess, guess),
				"nothing says what is spoken: the sidecar guesses, and neither retries nor counts what it takes for TCP")
		}
	}
}

// portConflict finds pods to whose port two Services give two meanings; the sidecar can have one.
func portConflict(b *book, n Namespace) {
	type key struct {
		workload string
		target   int32
	}
	type meaning struct{ service, protocol string }
	first := map[key]meaning{}
	reported := map[string]bool{}
	for _, s := range n.Services {
		for _, pod := range n.selected(s) {
			if !injection.HasSidecar(pod) && !b.wanted(n, pod) {
				continue
			}
			for _, p := range s.Spec.Ports {
				at := key{workload(pod), target(p, pod)}
				now := meaning{s.Name, string(port.Carried(spoken(p).Protocol))}
				before, known := first[at]
				pair := fmt.Sprint(before.service, s.Name, p.Port)
				if !known {
					first[at] = now
				} else if before.protocol != now.protocol && !reported[pair] {
					reported[pair] = true
					b.fault(fmt.Sprintf("Service %s, port %d", s.Name, p.Port), "let both say the same, or take one away",
						"port %d of %s is %s here and %s in Service %s; the sidecar can serve but one of them",
						at.target, at.workload, now.protocol, before.protocol, before.service)
				}
			}
		}
	}
}

// target is the pod's port that a Service's leads to; 0 when there is none of that name.
func target(p corev1.ServicePort, pod *corev1.Pod) int32 {
	switch {
	case p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal != 0:
		return p.TargetPort.IntVal
	case p.TargetPort.Type == intstr.Int:
		return p.Port
	}
	return numbered(pod, "", p.TargetPort)
}

// numbered is the port's number, that of the container or, without one, of any; 0 when there is none of that name.
func numbered(pod *corev1.Pod, container string, p intstr.IntOrString) int32 {
	if p.Type == intstr.Int {
		return p.IntVal
	}
	for _, c := range pod.Spec.Containers {
		for _, own := range c.Ports {
			if own.Name == p.StrVal && (container == "" || container == c.Name) {
				return own.ContainerPort
			}
		}
	}
	return 0
}

func serviceEmpty(b *book, n Namespace) {
	for _, s := range n.Services {
		if len(s.Spec.Selector) > 0 && len(n.selected(s)) == 0 {
			b.warn("Service "+s.Name, "correct its selector, or delete it", "it selects no pod, so calls to it fail")
		}
	}
}

func targetMissing(b *book, n Namespace) {
	for _, s := range n.Services {
		for _, p := range s.Spec.Ports {
			for _, pod := range n.selected(s) {
				if target(p, pod) == 0 {
					b.fault(fmt.Sprintf("Service %s, port %d", s.Name, p.Port), "name the container's port so, or write its number as targetPort",
						"it leads to port %q, which %s does not have", p.TargetPort.StrVal, workload(pod))
				}
			}
		}
	}
}
