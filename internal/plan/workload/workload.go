// SPDX-License-Identifier: Apache-2.0

// Package workload makes what runs a component: its identity, its Service and one Deployment per version.
package workload

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/revision"
)

const (
	// leaveSeconds is how long a pod goes on answering after it was told to end: the callers' proxies need that time to
	// learn that it is going.
	leaveSeconds = 5
	// graceSeconds is Kubernetes' default of 30 for the process itself, after the leave.
	graceSeconds = 30 + leaveSeconds
	// probeSeconds is the period of readiness probes when the user says none.
	probeSeconds = 2
	// keptReplicaSets suffices: going back to an older version is Weir's work.
	keptReplicaSets = 2
)

// ServiceAccount is the component's identity in the mesh. Its pods get no token for the cluster's API.
func ServiceAccount(a *api.Application, component string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   owner.Meta(a, component, component),
		AutomountServiceAccountToken: ptr.To(false),
	}
}

// Service selects the pods of all versions of the component.
func Service(a *api.Application, component string, ports []api.Port) *corev1.Service {
	s := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: owner.Meta(a, component, component),
		Spec:       corev1.ServiceSpec{Selector: owner.Selector(a, component, "")},
	}
	s.Labels[owner.LabelApp] = component
	for _, p := range ports {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{
			Name: port.Name(p), Port: p.Port, TargetPort: intstr.FromInt32(p.Port), Protocol: corev1.ProtocolTCP,
			AppProtocol: ptr.To(string(port.Carried(p.Protocol))),
		})
	}
	return s
}

// Deployment runs one version of the component; c is its frozen content. Nothing in the pod template depends on the number
// of replicas, so that scaling restarts no pod.
func Deployment(a *api.Application, c api.Component, w api.VersionWanted) *appsv1.Deployment {
	c = *c.DeepCopy()
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: owner.Meta(a, c.Name, revision.Name(c.Name, w.Version)),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(w.Replicas), RevisionHistoryLimit: ptr.To[int32](keptReplicaSets),
			Selector: &metav1.LabelSelector{MatchLabels: owner.Selector(a, c.Name, w.Version)},
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: ptr.To(intstr.FromInt32(0)), MaxSurge: ptr.To(intstr.FromString("25%")),
				},
			},
			Template: template(a, c, w.Version),
		},
	}
	d.Labels = owner.Labels(a, c.Name, w.Version)
	return d
}

func template(a *api.Application, c api.Component, version string) corev1.PodTemplateSpec {
	volumes, mounts := volumes(c)
	container := container(c)
	container.VolumeMounts = mounts
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: owner.PodLabels(a, c.Name, version, ptr.Deref(c.Mesh, true))},
		Spec: corev1.PodSpec{
			ServiceAccountName: c.Name, AutomountServiceAccountToken: ptr.To(false),
			TerminationGracePeriodSeconds: ptr.To[int64](graceSeconds),
			Containers:                    []corev1.Container{container}, Volumes: volumes,
			TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
				LabelSelector: &metav1.LabelSelector{MatchLabels: owner.Selector(a, c.Name, version)},
			}},
		},
	}
}

func container(c api.Component) corev1.Container {
	out := corev1.Container{
		Name: c.Name, Image: strings.TrimSpace(c.Image), Command: c.Command, Args: c.Args, Env: c.Env, EnvFrom: c.EnvFrom,
		Resources: ptr.Deref(c.Resources, corev1.ResourceRequirements{}), ReadinessProbe: readiness(c),
		Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
			Sleep: &corev1.SleepAction{Seconds: leaveSeconds},
		}},
	}
	for _, p := range port.Resolve(c) {
		out.Ports = append(out.Ports, corev1.ContainerPort{
			Name: port.Name(p), ContainerPort: p.Port, Protocol: corev1.ProtocolTCP,
		})
	}
	return out
}

func readiness(c api.Component) *corev1.Probe {
	probe := c.Readiness
	if probe == nil && len(c.Ports) > 0 {
		probe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(c.Ports[0].Port)},
		}}
	}
	if probe != nil && probe.PeriodSeconds == 0 {
		probe.PeriodSeconds = probeSeconds
	}
	return probe
}
