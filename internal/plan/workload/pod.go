// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/port"
)

const (
	// leaveSeconds is how long a pod goes on answering after it was told to end: the callers' proxies need that time to
	// learn that it is going.
	leaveSeconds = 5
	// graceSeconds is Kubernetes' default of 30 for the process itself, after the leave.
	graceSeconds = 30 + leaveSeconds
	// probeSeconds is the period of readiness probes when the user says none.
	probeSeconds = 2
)

// template makes the pods of a version; c is its frozen content.
func template(a *api.Application, c api.Component, version string) (corev1.PodTemplateSpec, error) {
	c = *c.DeepCopy()
	volumes, mounts := volumes(c)
	for _, claim := range c.Claims {
		mounts = append(mounts, corev1.VolumeMount{Name: claim.Name, MountPath: claim.Path})
	}
	out := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: owner.PodLabels(a, c.Name, version, c.Meshed())},
		Spec: corev1.PodSpec{
			ServiceAccountName: c.Name, AutomountServiceAccountToken: ptr.To(false),
			InitContainers: inits(c, mounts), Containers: []corev1.Container{container(c, mounts)}, Volumes: volumes,
		},
	}
	for _, secret := range c.PullSecrets {
		out.Spec.ImagePullSecrets = append(out.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: secret})
	}
	if c.RunsToEnd() {
		out.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	} else {
		out.Spec.TerminationGracePeriodSeconds = ptr.To[int64](graceSeconds)
		out.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: owner.Selector(a, c.Name, version)},
		}}
	}
	return out, overlay(&out, c)
}

func container(c api.Component, mounts []corev1.VolumeMount) corev1.Container {
	out := corev1.Container{
		Name: c.Name, Image: strings.TrimSpace(c.Image), Command: c.Command, Args: c.Args, Env: c.Env, EnvFrom: c.EnvFrom,
		Resources: ptr.Deref(c.Resources, corev1.ResourceRequirements{}), VolumeMounts: mounts,
		ReadinessProbe: readiness(c), LivenessProbe: c.Liveness, StartupProbe: c.Startup,
	}
	if !c.RunsToEnd() {
		out.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: leaveSeconds}}}
	}
	for _, p := range port.Resolve(c) {
		out.Ports = append(out.Ports, corev1.ContainerPort{
			Name: port.Name(p), ContainerPort: port.Target(p), Protocol: transport(p),
		})
	}
	return out
}

// inits run before the component, with its volumes and, unless they name their own, its image.
func inits(c api.Component, mounts []corev1.VolumeMount) []corev1.Container {
	var out []corev1.Container
	for _, i := range c.Init {
		out = append(out, corev1.Container{
			Name: i.Name, Image: cmp.Or(i.Image, strings.TrimSpace(c.Image)), Command: i.Command, Args: i.Args, Env: i.Env,
			VolumeMounts: mounts,
		})
	}
	return out
}

func readiness(c api.Component) *corev1.Probe {
	probe := c.Readiness
	if streams := port.Streams(port.Resolve(c)); probe == nil && len(streams) > 0 {
		probe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port.Target(streams[0]))},
		}}
	}
	if probe != nil && probe.PeriodSeconds == 0 {
		probe.PeriodSeconds = probeSeconds
	}
	return probe
}
