// SPDX-License-Identifier: Apache-2.0

// Package workload makes what runs a component: its identity, its Services, and a Deployment per version, a StatefulSet or
// a job.
package workload

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/port"
)

// ServiceAccount is the component's identity in the mesh. Its pods get no token for the cluster's API.
func ServiceAccount(a *api.Application, component string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   owner.Meta(a, component, component),
		AutomountServiceAccountToken: ptr.To(false),
	}
}

// Service selects the pods of all versions of the component. Where a port has a target, each pod says by the port's name
// which that is, since versions may differ in it.
func Service(a *api.Application, component string, ports []api.Port) *corev1.Service {
	s := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: owner.Meta(a, component, component),
		Spec:       corev1.ServiceSpec{Selector: owner.Selector(a, component, "")},
	}
	s.Labels[owner.LabelApp] = component
	names := port.Names(ports)
	for i, p := range ports {
		of := corev1.ServicePort{Name: names[i], Port: p.Port, TargetPort: intstr.FromInt32(p.Port), Protocol: transport(p)}
		if p.Target != 0 {
			of.TargetPort = intstr.FromString(port.Name(p))
		}
		if p.Protocol != port.UDP {
			of.AppProtocol = ptr.To(string(port.Carried(p.Protocol)))
		}
		s.Spec.Ports = append(s.Spec.Ports, of)
	}
	return s
}

// KeepNames lets ports go on being called as they were, by their numbers: for a moment after another name, proxies know of no
// pod at the port. A port without a name can only be alone.
func KeepNames(s *corev1.Service, was []corev1.ServicePort) {
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		for _, old := range was {
			if old.Port == p.Port && cmp.Or(old.Protocol, corev1.ProtocolTCP) == p.Protocol && (old.Name != "" || len(s.Spec.Ports) == 1) {
				p.Name = old.Name
			}
		}
	}
}

func transport(p api.Port) corev1.Protocol {
	if p.Protocol == port.UDP {
		return corev1.ProtocolUDP
	}
	return corev1.ProtocolTCP
}

// peersSuffix follows the component's name in the name of the Service by which pods of a StatefulSet find each other.
const peersSuffix = "-pods"

// PeersName is the name of the Service by which pods of a StatefulSet find each other.
func PeersName(component string) string { return component + peersSuffix }

// Peers gives each pod of a StatefulSet a name of its own, such as database-0.database-pods, also before it is ready: a
// database whose members wait for each other could not start otherwise.
func Peers(a *api.Application, component string, ports []api.Port) *corev1.Service {
	var direct []api.Port // nothing stands between a pod and who calls it by its own name
	for _, p := range ports {
		p.Port, p.Target = port.Target(p), 0
		if !port.Has(direct, p.Port) {
			direct = append(direct, p)
		}
	}
	s := Service(a, component, direct)
	s.Name = PeersName(component)
	s.Spec.ClusterIP = corev1.ClusterIPNone
	s.Spec.PublishNotReadyAddresses = true
	return s
}
