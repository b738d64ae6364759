// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/utils/ptr"
	sigsjson "sigs.k8s.io/json"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// sidecarUser is the user that Istio's proxy runs as; requests of any process of that user pass by the proxy.
const sidecarUser = 1337

// sidecarPorts are the ports that Istio's proxy listens on in the pod.
var sidecarPorts = []int32{15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, 15053, 15090}

// overlay merges the component's template over the pods, as kubectl patch does. Weir's labels win.
func overlay(pods *corev1.PodTemplateSpec, c api.Component) error {
	if c.Template == nil {
		return nil
	}
	labels := maps.Clone(c.Template.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, pods.Labels)
	pods.Labels, pods.Annotations = labels, c.Template.Annotations
	if c.Template.Spec == nil || len(c.Template.Spec.Raw) == 0 {
		return nil
	}
	before, err := json.Marshal(pods.Spec)
	if err != nil {
		return fmt.Errorf("encode the pods of component %s: %w", c.Name, err)
	}
	after, err := strategicpatch.StrategicMergePatch(before, c.Template.Spec.Raw, corev1.PodSpec{})
	if err != nil {
		return fmt.Errorf("template.spec of component %s: %w", c.Name, err)
	}
	pods.Spec = corev1.PodSpec{}
	if err := json.Unmarshal(after, &pods.Spec); err != nil {
		return fmt.Errorf("template.spec of component %s: %w", c.Name, err)
	}
	return nil
}

// CheckTemplate returns the faults of a template that is no piece of a PodSpec, or that sets what Weir answers for. Each
// begins with its field, template.spec or below.
func CheckTemplate(c api.Component) []error {
	if c.Template == nil || c.Template.Spec == nil || len(c.Template.Spec.Raw) == 0 {
		return nil
	}
	var spec corev1.PodSpec
	unknown, err := sigsjson.UnmarshalStrict(c.Template.Spec.Raw, &spec)
	if err != nil {
		return []error{fmt.Errorf("template.spec: %w; write it as the spec of a Kubernetes pod", err)}
	}
	faults := make([]error, 0, len(unknown))
	for _, fault := range unknown {
		// Directives such as $patch tell how to merge, and are no fields.
		if text := fault.Error(); !strings.Contains(text, ".$") && !strings.Contains(text, `"$`) {
			faults = append(faults, fmt.Errorf("template.spec: %w; write it as the spec of a Kubernetes pod", fault))
		}
	}
	return append(faults, taken(spec, c)...)
}

// taken are the faults of a template that reaches for what has a field of its own, or that would blind the sidecar.
func taken(spec corev1.PodSpec, c api.Component) []error {
	var faults []error
	fault := func(wrong bool, field, why string) {
		if wrong {
			faults = append(faults, fmt.Errorf("template.spec.%s: %s", field, why))
		}
	}
	fault(spec.ServiceAccountName != "" || spec.DeprecatedServiceAccount != "", "serviceAccountName",
		"the component's own account is its identity in the mesh; leave it out, and give that account the permissions")
	fault(spec.HostNetwork && c.Meshed(), "hostNetwork",
		"the sidecar cannot see the requests of a pod in the node's network; leave it out, or set mesh to false")
	fault(c.Meshed() && spec.SecurityContext != nil && ptr.Deref(spec.SecurityContext.RunAsUser, 0) == sidecarUser,
		"securityContext.runAsUser", whySidecarUser)
	for i, one := range spec.Containers {
		at := fmt.Sprintf("containers[%d].", i)
		own := one.Name == c.Name
		fault(own && one.Image != "", at+"image", "the image gives the version its name; write it in the component's image")
		fault(own && len(one.Ports) > 0, at+"ports", "callers are told of the component's ports; write them there")
		fault(c.Meshed() && sidecars(one), at+"securityContext.runAsUser", whySidecarUser)
		for j, p := range one.Ports {
			fault(c.Meshed() && slices.Contains(sidecarPorts, p.ContainerPort), fmt.Sprintf("%sports[%d].containerPort", at, j),
				fmt.Sprintf("port %d belongs to the sidecar; choose another, or set mesh to false", p.ContainerPort))
		}
		fault(one.Name == mesh.ProxyContainer, at+"name", "istio-proxy is the sidecar's; settle it by annotations instead")
	}
	return faults
}

const whySidecarUser = "user 1337 is the sidecar's, and requests of that user pass by the mesh; choose another"

func sidecars(c corev1.Container) bool {
	return c.SecurityContext != nil && ptr.Deref(c.SecurityContext.RunAsUser, 0) == sidecarUser
}
