// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/mesh"
)

const sidecarUser = 1337

// reserved are the ports of the sidecar.
var reserved = []int32{15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, 15053, 15090}

// namespaceRules is the rule book of a namespace: first what pods need, then their Services, routes and Applications.
var namespaceRules = []struct {
	name string
	look func(*book, Namespace)
}{
	{"InjectionOff", injectionOff},
	{"PodSecurity", podSecurity},
	{"PodsRefused", podsRefused},
	{"PodFails", podFails},
	{"SidecarMissing", sidecarMissing},
	{"HostNetwork", hostNetwork},
	{"SidecarUser", userOfSidecar},
	{"ReservedPort", reservedPort},
	{"LoopbackOnly", loopbackOnly},
	{"PodLabels", podLabels},
	{"PortUnnamed", portUnnamed},
	{"PortConflict", portConflict},
	{"ServiceEmpty", serviceEmpty},
	{"TargetMissing", targetMissing},
	{"ForeignRoute", foreignRoute},
	{"GatewayMissing", gatewayMissing},
	{"HostMissing", hostMissing},
	{"SubsetMissing", subsetMissing},
	{"SubsetEmpty", subsetEmpty},
	{"WeightSum", weightSum},
	{"ApplicationNotReady", applicationNotReady},
	{"CallerOutside", callerOutside},
	{"Lonely", lonely},
	{"Orphan", orphan},
}

// workload names what a pod belongs to, so that many pods of one workload are one finding.
func workload(p *corev1.Pod) string {
	if owner := metav1.GetControllerOf(p); owner != nil {
		if hash := p.Labels["pod-template-hash"]; owner.Kind == "ReplicaSet" && hash != "" {
			return "Deployment " + strings.TrimSuffix(owner.Name, "-"+hash)
		}
		return owner.Kind + " " + owner.Name
	}
	return "Pod " + p.Name
}

// live are the pods that are neither done nor ending, one a workload.
func (n Namespace) live() []*corev1.Pod {
	var out []*corev1.Pod
	seen := map[string]bool{}
	for i := range n.Pods {
		p := &n.Pods[i]
		if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed || seen[workload(p)] {
			continue
		}
		seen[workload(p)] = true
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *corev1.Pod) int { return strings.Compare(workload(a), workload(b)) })
	return out
}

// meshed are those with a sidecar, or that are to have one.
func (b *book) meshed(n Namespace) []*corev1.Pod {
	return slices.DeleteFunc(n.live(), func(p *corev1.Pod) bool { return !injection.HasSidecar(p) && !b.wanted(n, p) })
}

// wanted tells whether a pod made today would get a sidecar, or asks for one.
func (b *book) wanted(n Namespace, p *corev1.Pod) bool {
	if p.Labels["sidecar.istio.io/inject"] == "false" || p.Annotations["sidecar.istio.io/inject"] == "false" {
		return false
	}
	_, match := injection.Match(b.Cluster.Injectors, n.Labels, p.Labels)
	return match || injection.OptedIn(p)
}

func injectionOff(b *book, n Namespace) {
	for _, p := range n.live() {
		if !injection.OptedIn(p) || len(b.Cluster.Injectors) == 0 {
			continue
		}
		if _, match := injection.Match(b.Cluster.Injectors, n.Labels, p.Labels); !match {
			b.fault("Namespace "+n.Name, "", "pods ask for a sidecar and get none: %s",
				injection.Why(b.Cluster.Injectors, n.Name, n.Labels, p.Labels))
			b.found[len(b.found)-1].Do = "label the namespace, then weir restarts the pods that lack theirs"
			return
		}
	}
}

// podSecurity finds namespaces that refuse the container by which Istio redirects requests.
func podSecurity(b *book, n Namespace) {
	level := n.Labels["pod-security.kubernetes.io/enforce"]
	injected := len(b.meshed(n)) > 0 || n.Labels["istio-injection"] == "enabled" || n.Labels["istio.io/rev"] != ""
	if b.Cluster.CNI || level != "restricted" && level != "baseline" || !injected {
		return
	}
	b.fault("Namespace "+n.Name, "install Istio's chart cni, or enforce privileged here",
		"its pod security level %s refuses pods with NET_ADMIN, which sidecars need to redirect requests", level)
}

func sidecarMissing(b *book, n Namespace) {
	for _, p := range n.live() {
		if !b.wanted(n, p) || injection.HasSidecar(p) || p.Spec.HostNetwork {
			continue
		}
		do := fmt.Sprintf("kubectl -n %s rollout restart %s", n.Name, strings.Replace(strings.ToLower(workload(p)), " ", "/", 1))
		if strings.HasPrefix(workload(p), "Pod ") {
			do = fmt.Sprintf("kubectl -n %s delete pod %s, and make it again", n.Name, p.Name)
		}
		if p.Labels["weir.dev/application"] != "" {
			do = "Weir restarts it with care; kubectl describe application says what it waits for"
		}
		b.fault(workload(p), do, "pod %s is to be in the mesh and came up without a sidecar: routes, policies and metrics pass it by", p.Name)
	}
}

func hostNetwork(b *book, n Namespace) {
	for _, p := range n.live() {
		if p.Spec.HostNetwork && b.wanted(n, p) && injection.OptedIn(p) {
			b.fault(workload(p), "take hostNetwork out, or sidecar.istio.io/inject", "it uses the network of its node, where no sidecar can stand")
		}
	}
}

func userOfSidecar(b *book, n Namespace) {
	for _, p := range b.meshed(n) {
		all := p.Spec.SecurityContext != nil && ptr.Deref(p.Spec.SecurityContext.RunAsUser, 0) == sidecarUser
		for _, c := range p.Spec.Containers {
			own := c.SecurityContext != nil && c.SecurityContext.RunAsUser != nil
			if c.Name != mesh.ProxyContainer && (own && *c.SecurityContext.RunAsUser == sidecarUser || all && !own) {
				b.fault(workload(p), "let it run as another user",
					"container %s runs as user %d, which is the sidecar's: its requests pass by the mesh", c.Name, sidecarUser)
			}
		}
	}
}

func reservedPort(b *book, n Namespace) {
	for _, p := range b.meshed(n) {
		for _, c := range p.Spec.Containers {
			for _, port := range c.Ports {
				if c.Name != mesh.ProxyContainer && slices.Contains(reserved, port.ContainerPort) {
					b.fault(workload(p), "let it listen elsewhere", "container %s listens on port %d, which is the sidecar's", c.Name, port.ContainerPort)
				}
			}
		}
	}
}

func podLabels(b *book, n Namespace) {
	for _, p := range b.meshed(n) {
		var missing []string
		for _, pair := range [][2]string{{"app", "app.kubernetes.io/name"}, {"version", "app.kubernetes.io/version"}} {
			canonical := "service.istio.io/canonical-" + map[string]string{"app": "name", "version": "revision"}[pair[0]]
			if p.Labels[pair[0]] == "" && p.Labels[pair[1]] == "" && p.Labels[canonical] == "" {
				missing = append(missing, pair[0])
			}
		}
		if len(missing) > 0 {
			b.warn(workload(p), "give its pods the label "+strings.Join(missing, " and the label "),
				"its pods have no label %s, by which the mesh's metrics and releases tell them apart", strings.Join(missing, " and no label "))
		}
	}
}

func (n Namespace) selected(s corev1.Service) []*corev1.Pod {
	if len(s.Spec.Selector) == 0 {
		return nil
	}
	return slices.DeleteFunc(n.live(), func(p *corev1.Pod) bool {
		return !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.Labels))
	})
}
