// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// rest is what a pod has that is neither the component's own container, nor the API server's default, nor what Weir sets.
func rest(spec corev1.PodSpec) corev1.PodSpec {
	out := *spec.DeepCopy()
	out.Containers, out.InitContainers, out.Volumes, out.ImagePullSecrets = nil, nil, nil, nil
	out.ServiceAccountName, out.DeprecatedServiceAccount, out.NodeName = "", "", ""
	out.RestartPolicy = ""
	if out.DNSPolicy == corev1.DNSClusterFirst {
		out.DNSPolicy = ""
	}
	if out.SchedulerName == corev1.DefaultSchedulerName {
		out.SchedulerName = ""
	}
	if ptr.Deref(out.TerminationGracePeriodSeconds, 30) == 30 {
		out.TerminationGracePeriodSeconds = nil
	}
	if out.SecurityContext != nil && equality.Semantic.DeepEqual(out.SecurityContext, &corev1.PodSecurityContext{}) {
		out.SecurityContext = nil
	}
	if ptr.Deref(out.EnableServiceLinks, true) {
		out.EnableServiceLinks = nil
	}
	if out.AutomountServiceAccountToken != nil && !*out.AutomountServiceAccountToken {
		out.AutomountServiceAccountToken = nil
	}
	return out
}

// restOf is what the component's own container has that no field of a component says.
func restOf(c corev1.Container) corev1.Container {
	out := *c.DeepCopy()
	out.Name, out.Image, out.Command, out.Args, out.Env, out.EnvFrom, out.Ports = "", "", nil, nil, nil, nil, nil
	out.Resources, out.VolumeMounts = corev1.ResourceRequirements{}, nil
	out.ReadinessProbe, out.LivenessProbe, out.StartupProbe = nil, nil, nil
	out.TerminationMessagePath, out.TerminationMessagePolicy = "", ""
	out.ImagePullPolicy = pullPolicy(c)
	return out
}

// pullPolicy is the one said; none when it is what Kubernetes makes of the tag by itself.
func pullPolicy(c corev1.Container) corev1.PullPolicy {
	_, tag, _ := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
	byItself := corev1.PullIfNotPresent
	if (tag == "" || tag == "latest") && !strings.Contains(c.Image, "@") {
		byItself = corev1.PullAlways
	}
	if c.ImagePullPolicy == byItself {
		return ""
	}
	return c.ImagePullPolicy
}

// mounts carries over volumes: the plain ones as the component's, the others, and other containers, in the template.
func (w *drafter) mounts(c *api.Component, over *overlay, s source, own corev1.Container) {
	taken := map[string]bool{}
	for _, m := range own.VolumeMounts {
		claim := slices.IndexFunc(s.claims, func(v corev1.PersistentVolumeClaim) bool { return v.Name == m.Name })
		at := slices.IndexFunc(s.pods.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		plain := m.SubPath == "" && m.SubPathExpr == "" && m.MountPropagation == nil && !w.shared(s, own, m.Name)
		switch {
		case claim >= 0 && plain:
			c.Claims = append(c.Claims, api.Claim{
				Name: m.Name, Path: m.MountPath, Size: s.claims[claim].Spec.Resources.Requests[corev1.ResourceStorage],
				StorageClass: ptr.Deref(s.claims[claim].Spec.StorageClassName, ""),
			})
			continue
		case at >= 0 && plain:
			if v, ok := plainVolume(s.pods.Spec.Volumes[at], m); ok {
				c.Volumes = append(c.Volumes, v)
				taken[m.Name] = true
				continue
			}
		}
		over.container.VolumeMounts = append(over.container.VolumeMounts, m)
	}
	for _, v := range s.pods.Spec.Volumes {
		if !taken[v.Name] {
			over.pod.Volumes = append(over.pod.Volumes, v)
		}
	}
	for _, other := range s.pods.Spec.Containers {
		if other.Name != own.Name && other.Name != mesh.ProxyContainer {
			over.pod.Containers = append(over.pod.Containers, bare(other))
			w.note(c.Name, "container %s runs beside it, and is in the template", other.Name)
		}
	}
	for _, other := range s.pods.Spec.InitContainers {
		if other.Name != "istio-init" && other.Name != mesh.ProxyContainer && other.Name != "istio-validation" {
			over.pod.InitContainers = append(over.pod.InitContainers, bare(other))
		}
	}
}

// bare is a container without the defaults of the API server.
func bare(c corev1.Container) corev1.Container {
	out := *c.DeepCopy()
	out.TerminationMessagePath, out.TerminationMessagePolicy, out.ImagePullPolicy = "", "", pullPolicy(c)
	return out
}

// shared tells whether another container mounts the volume as well.
func (w *drafter) shared(s source, own corev1.Container, volume string) bool {
	for _, other := range slices.Concat(s.pods.Spec.Containers, s.pods.Spec.InitContainers) {
		if other.Name != own.Name && slices.ContainsFunc(other.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume }) {
			return true
		}
	}
	return false
}

// plainVolume is the volume as a component has it; false when it is more than that.
func plainVolume(v corev1.Volume, m corev1.VolumeMount) (api.Volume, bool) {
	out := api.Volume{Name: label(v.Name, longest), Path: m.MountPath, ReadOnly: m.ReadOnly}
	if out.Name != v.Name {
		return out, false
	}
	switch {
	case v.ConfigMap != nil && len(v.ConfigMap.Items) == 0 && !ptr.Deref(v.ConfigMap.Optional, false) &&
		ptr.Deref(v.ConfigMap.DefaultMode, 0o644) == 0o644:
		out.ConfigMap = v.ConfigMap.Name
	case v.Secret != nil && len(v.Secret.Items) == 0 && !ptr.Deref(v.Secret.Optional, false) &&
		ptr.Deref(v.Secret.DefaultMode, 0o644) == 0o644:
		out.Secret = v.Secret.SecretName
	case v.EmptyDir != nil && *v.EmptyDir == (corev1.EmptyDirVolumeSource{}):
		out.EmptyDir = &api.EmptyDir{}
	case v.PersistentVolumeClaim != nil && !v.PersistentVolumeClaim.ReadOnly:
		out.Claim = v.PersistentVolumeClaim.ClaimName
	default:
		return out, false
	}
	return out, true
}

// extraLabels are those that Weir does not set.
func extraLabels(all map[string]string) map[string]string {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(key, _ string) bool {
		return slices.Contains([]string{
			"app", "version", "sidecar.istio.io/inject", "app.kubernetes.io/name", "app.kubernetes.io/part-of",
			"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "pod-template-hash", "controller-revision-hash",
			"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "service.istio.io/canonical-name",
			"service.istio.io/canonical-revision", "security.istio.io/tlsMode", "helm.sh/chart",
		}, key) || strings.HasPrefix(key, "weir.dev/")
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// extraAnnotations are those that say something of the pods, and not when they were restarted or injected.
func extraAnnotations(all map[string]string) map[string]string {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(key, _ string) bool {
		return strings.HasPrefix(key, "kubectl.kubernetes.io/") || key == "sidecar.istio.io/inject" || key == "sidecar.istio.io/status" ||
			strings.HasPrefix(key, "istio.io/")
	})
	if len(out) == 0 {
		return nil
	}
	return out
}
