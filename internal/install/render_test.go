// SPDX-License-Identifier: Apache-2.0

package install

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write testdata anew")

// documents splits a stream and leaves out the custom resource definitions, which have tests of their own.
func documents(t *testing.T, stream string) []string {
	t.Helper()
	var found []string
	for document := range strings.SplitSeq(stream, "\n---\n") {
		if !strings.Contains(document, "\nkind: CustomResourceDefinition\n") && strings.Contains(document, "kind: ") {
			found = append(found, strings.TrimPrefix(document, "---\n"))
		}
	}
	return found
}

func TestRenderGolden(t *testing.T) {
	for name, options := range map[string]Options{
		"default": {},
		"local":   {Image: "weir.local/weir:1", Set: []string{"replicas=1", "logLevel=debug"}},
		"elsewhere": {Namespace: "governance", Set: []string{
			"istio.namespace=mesh", "prometheus.url=https://metrics.example/prom", "gateway.selector=app=edge",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := Render(options)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(documents(t, stream), "\n---\n")
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("differs from %s; run with -update if that is meant (-want +got):\n%s", golden, diff)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, test := range map[string]struct{ set, want string }{
		"no value":               {"replicas", "--set replicas: key \"replicas\" has no value; write it as key=value, for example replicas=1"},
		"a number as text":       {"replicas=two", "at '/replicas': got string, want integer"},
		"no controller at all":   {"replicas=0", "at '/replicas': minimum: got 0, want 1"},
		"a level that is none":   {"logLevel=loud", "at '/logLevel': value must be one of 'debug', 'info', 'warn', 'error'"},
		"an address without ://": {"prometheus.url=prometheus:9090", "at '/prometheus/url'"},
		"a selector without =":   {"gateway.selector=ingress", "at '/gateway/selector'"},
		"a misspelled value":     {"replica=1", "additional properties 'replica' not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Render(Options{Set: []string{test.set}})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Render() says %v, want one line with %s", err, test.want)
			}
		})
	}
}

// find decodes the object of a kind and name.
func find(t *testing.T, stream, kind, name string, into any) {
	t.Helper()
	for _, document := range documents(t, stream) {
		if strings.Contains(document, "\nkind: "+kind+"\n") && strings.Contains(document, "\n  name: "+name+"\n") {
			if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
				t.Fatalf("%s %s: %v", kind, name, err)
			}
			return
		}
	}
	t.Fatalf("no %s %s", kind, name)
}

func TestAccessIsLeast(t *testing.T) {
	stream, err := Render(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var everywhere rbacv1.ClusterRole
	find(t, stream, "ClusterRole", "weir-controller", &everywhere)
	var token, lease rbacv1.Role
	find(t, stream, "Role", "weir-istiod-reader", &token)
	find(t, stream, "Role", "weir-controller", &lease)
	forbidden := []string{"serviceaccounts/token", "pods/exec", "pods/portforward", "nodes", "roles", "clusterroles"}
	for _, rule := range everywhere.Rules {
		for _, resource := range rule.Resources {
			if slices.Contains(forbidden, resource) || resource == "*" {
				t.Errorf("the cluster role gives %v on %s", rule.Verbs, resource)
			}
			// Versions keep the contents they were frozen with: they are read and copied, and never changed.
			copied := []string{"get", "list", "watch", "create", "delete"}
			if (resource == "secrets" || resource == "configmaps") && !slices.Equal(rule.Verbs, copied) {
				t.Errorf("the cluster role gives %v on %s, want %v", rule.Verbs, resource, copied)
			}
		}
		if slices.Contains(rule.Verbs, "*") || slices.Contains(rule.APIGroups, "*") {
			t.Errorf("the cluster role has a wildcard: %v", rule)
		}
	}
	want := []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"},
		ResourceNames: []string{"weir-istiod-reader"}, Verbs: []string{"create"},
	}}
	if diff := cmp.Diff(want, token.Rules); diff != "" {
		t.Errorf("the role in Istio's namespace (-want +got):\n%s", diff)
	}
	if lease.Namespace != Namespace || token.Namespace != "istio-system" {
		t.Errorf("roles are in %s and %s", lease.Namespace, token.Namespace)
	}
}

func TestRenderedPodIsConfined(t *testing.T) {
	stream, err := Render(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var deployment struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	for _, document := range documents(t, stream) {
		if strings.Contains(document, "kind: Deployment\n") {
			if err := yaml.Unmarshal([]byte(document), &deployment); err != nil {
				t.Fatal(err)
			}
		}
	}
	pod := deployment.Spec.Template.Spec
	if len(pod.Containers) != 1 || pod.SecurityContext == nil {
		t.Fatalf("the pod has %d containers, security context %v", len(pod.Containers), pod.SecurityContext)
	}
	inside := pod.Containers[0].SecurityContext
	for what, ok := range map[string]bool{
		"runs as a user other than root":      *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser == 65532,
		"has the runtime's seccomp profile":   pod.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"cannot write its file system":        *inside.ReadOnlyRootFilesystem,
		"cannot gain rights":                  !*inside.AllowPrivilegeEscalation,
		"has no capabilities":                 slices.Equal(inside.Capabilities.Drop, []corev1.Capability{"ALL"}),
		"has no sidecar":                      deployment.Spec.Template.Labels["sidecar.istio.io/inject"] == "false",
		"mounts nothing of the node":          len(pod.Volumes) == 0 && !pod.HostNetwork && !pod.HostPID,
		"says what memory it needs and takes": !pod.Containers[0].Resources.Limits.Memory().IsZero(),
	} {
		if !ok {
			t.Errorf("not true: the controller's pod %s", what)
		}
	}
}

// TestTemplatesMayHaveEveryPodField holds the list of fields in the chart's policy to Kubernetes' own.
func TestTemplatesMayHaveEveryPodField(t *testing.T) {
	stream, err := Render(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Spec struct {
			Validations []struct{ Expression string }
		}
	}
	for _, document := range documents(t, stream) {
		if strings.Contains(document, "kind: ValidatingAdmissionPolicy\n") && strings.Contains(document, "name: weir-applications\n") {
			if err := yaml.Unmarshal([]byte(document), &policy); err != nil {
				t.Fatal(err)
			}
		}
	}
	for field := range reflect.TypeFor[corev1.PodSpec]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !strings.Contains(policy.Spec.Validations[0].Expression, "'"+name+"'") {
			t.Errorf("the policy does not know %s", name)
		}
	}
}

// TestOneReplicaIsAlwaysThere holds the chart to what keeps the webhooks answering while nodes are drained.
func TestOneReplicaIsAlwaysThere(t *testing.T) {
	stream, err := Render(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	find(t, stream, "Deployment", "weir-controller", &d)
	var budget policyv1.PodDisruptionBudget
	find(t, stream, "PodDisruptionBudget", "weir-controller", &budget)
	var service corev1.Service
	find(t, stream, "Service", "weir-webhook", &service)
	pods := labels.Set(d.Spec.Template.Labels)
	selects := func(s *metav1.LabelSelector) bool {
		selector, err := metav1.LabelSelectorAsSelector(s)
		return err == nil && !selector.Empty() && selector.Matches(pods)
	}
	apart := slices.ContainsFunc(d.Spec.Template.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution,
		func(term corev1.WeightedPodAffinityTerm) bool {
			return term.PodAffinityTerm.TopologyKey == corev1.LabelHostname && selects(term.PodAffinityTerm.LabelSelector)
		})
	for what, ok := range map[string]bool{
		"two replicas":                    *d.Spec.Replicas == 2,
		"on two nodes where there are":    apart,
		"a budget that keeps one":         budget.Spec.MaxUnavailable.IntValue() == 1 && selects(budget.Spec.Selector),
		"a Service that leads to them":    len(service.Spec.Selector) > 0 && labels.SelectorFromSet(service.Spec.Selector).Matches(pods),
		"a probe by which it leaves some": d.Spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Path == "/readyz",
	} {
		if !ok {
			t.Errorf("not true of the chart: %s", what)
		}
	}
}
