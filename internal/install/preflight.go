// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
)

// oldest is the first Kubernetes version that has ValidatingAdmissionPolicy in its stable API.
const oldest = "1.30.0"

const istioGroup = "networking.istio.io/v1"

// howToIstio is the way out when a cluster has no mesh.
const howToIstio = "install Istio, with its charts base and istiod or with `istioctl install`, " +
	"or get a cluster that has it with `weir cluster up`"

// check looks whether the cluster can carry Weir, and writes nothing. All that is wrong is told at once.
func (t *target) check(ctx context.Context, values map[string]any, note func(string)) error {
	serverVersion, err := t.checkVersion()
	if err != nil {
		return err
	}
	settings, err := settingsOf(values)
	if err != nil {
		return err
	}
	err = errors.Join(t.checkIstioCRDs(), t.checkIstiod(ctx, settings.istioNamespace), t.checkPermission(ctx))
	if err != nil {
		return oneLine(err)
	}
	note(strings.Join(append([]string{serverVersion}, t.warnings(ctx, settings)...), "; "))
	return nil
}

func (t *target) checkVersion() (string, error) {
	info, err := t.kube.Discovery().ServerVersion()
	if err != nil {
		return "", fmt.Errorf("%s does not answer: %w; start the cluster, or name another with --kubeconfig or --context",
			t.config.Host, err)
	}
	found, err := version.ParseGeneric(info.GitVersion)
	if err != nil {
		return "", fmt.Errorf("%s calls itself version %q: %w", t.config.Host, info.GitVersion, err)
	}
	if found.LessThan(version.MustParseGeneric(oldest)) {
		return "", fmt.Errorf("%s runs Kubernetes %s; Weir needs %s or later", t.config.Host, found, oldest)
	}
	return "Kubernetes " + found.String(), nil
}

func (t *target) checkIstioCRDs() error {
	served, err := t.kube.Discovery().ServerResourcesForGroupVersion(istioGroup)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("the cluster has no Istio (%s is not served); %s", istioGroup, howToIstio)
	}
	if err != nil {
		return fmt.Errorf("ask for Istio's kinds: %w", err)
	}
	for _, kind := range []string{"VirtualService", "DestinationRule", "Gateway"} {
		if !slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool { return r.Kind == kind }) {
			return fmt.Errorf("the cluster has no %s of %s; %s", kind, istioGroup, howToIstio)
		}
	}
	return nil
}

func (t *target) checkIstiod(ctx context.Context, namespace string) error {
	found, err := t.kube.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=istiod"})
	if err != nil {
		return fmt.Errorf("look for istiod: %w", err)
	}
	if len(found.Items) == 0 {
		return fmt.Errorf("namespace %s has no istiod; if it runs elsewhere, say --set istio.namespace=<where>, else %s",
			namespace, howToIstio)
	}
	for _, istiod := range found.Items {
		if istiod.Status.ReadyReplicas > 0 {
			return nil
		}
	}
	return fmt.Errorf("istiod in namespace %s has no ready pod; see `kubectl -n %s describe pods -l app=istiod`", namespace, namespace)
}

// needed are the writes of an install that only an administrator may do.
var needed = []authorizationv1.ResourceAttributes{
	{Verb: "create", Resource: "namespaces"},
	{Verb: "patch", Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
	{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
	{Verb: "create", Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"},
	{Verb: "create", Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicybindings"},
}

func (t *target) checkPermission(ctx context.Context) error {
	var missing []string
	for _, attributes := range needed {
		review := &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes},
		}
		answer, err := t.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("ask what you may do: %w", err)
		}
		if !answer.Status.Allowed {
			missing = append(missing, attributes.Verb+" "+attributes.Resource)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("your account may not %s; install as an administrator of the cluster", strings.Join(missing, ", "))
	}
	return nil
}

// warnings are what Weir can start without but will miss.
func (t *target) warnings(ctx context.Context, s settings) []string {
	service, namespace, ok := inCluster(s.prometheusURL)
	if !ok {
		return nil
	}
	if _, err := t.kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); err != nil {
		return nil // a host outside the cluster that looks like <service>.<namespace>
	}
	_, err := t.kube.CoreV1().Services(namespace).Get(ctx, service, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return []string{fmt.Sprintf("no Prometheus at %s, so releases with an analysis will wait (--set prometheus.url=<where>)",
			s.prometheusURL)}
	}
	return nil
}

// inCluster splits the host of a URL such as http://prometheus.istio-system:9090 into Service and namespace.
func inCluster(address string) (service, namespace string, ok bool) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", "", false
	}
	parts := strings.Split(strings.TrimSuffix(parsed.Hostname(), ".cluster.local"), ".")
	if len(parts) == 3 && parts[2] == "svc" {
		parts = parts[:2]
	}
	if len(parts) != 2 {
		return "", "", false
	}
	return parts[0], parts[1], true
}
