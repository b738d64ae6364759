// SPDX-License-Identifier: Apache-2.0

//go:build api

package install

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"weir.dev/weir/test/apiserver"
)

// TestInstallOnAPIServer walks through the life of an install against a real API server, which has no nodes.
func TestInstallOnAPIServer(t *testing.T) {
	config, stop, err := apiserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	kube := kubernetes.NewForConfigOrDie(config)
	var out bytes.Buffer
	options := Options{Kubeconfig: writeKubeconfig(t, config), Out: &out, Image: "weir.local/weir:first"}

	if err := Install(t.Context(), options); err == nil || !strings.Contains(err.Error(), "namespace istio-system has no istiod") {
		t.Fatalf("without istiod Install() says %v", err)
	}
	if _, err := kube.CoreV1().Namespaces().Get(t.Context(), Namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("a refused install has written: namespace %s: %v", Namespace, err)
	}

	pretendIstiod(t, kube)
	options.Set = []string{"replicas=1"}
	if err := Install(t.Context(), options); err != nil {
		t.Fatalf("Install() = %v; it said:\n%s", err, &out)
	}
	wantController(t, kube, 1, "weir.local/weir:first")
	wantRights(t, config)
	wantOwnApprovals(t, config)
	wantRoles(t, config)

	options.Set, options.Image = []string{"logLevel=debug"}, "weir.local/weir:second"
	if err := Install(t.Context(), options); err != nil {
		t.Fatalf("upgrade: %v", err)
	}
	wantController(t, kube, 1, "weir.local/weir:second") // one replica is a setting that was kept

	if err := Uninstall(t.Context(), options, false); err != nil {
		t.Fatalf("uninstall: %v", err)
	}
	if _, err := kube.AppsV1().Deployments(Namespace).Get(t.Context(), controllerName, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the controller is still there: %v", err)
	}
	if served := servesApplications(t, kube); !served {
		t.Error("uninstall has taken the custom resource definitions along")
	}
	if err := Uninstall(t.Context(), options, true); err != nil {
		t.Fatalf("uninstall with purge: %v", err)
	}
}

func writeKubeconfig(t *testing.T, config *rest.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := apiserver.Kubeconfig(path, config); err != nil {
		t.Fatal(err)
	}
	return path
}

// pretendIstiod makes a Deployment that looks like a running istiod.
func pretendIstiod(t *testing.T, kube kubernetes.Interface) {
	t.Helper()
	labels := map[string]string{"app": "istiod"}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "istio-system"}}
	if _, err := kube.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	deployments := kube.AppsV1().Deployments("istio-system")
	made, err := deployments.Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "istiod", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "discovery", Image: "pilot"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made.Status = appsv1.DeploymentStatus{Replicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
	if _, err := deployments.UpdateStatus(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func wantController(t *testing.T, kube kubernetes.Interface, replicas int32, image string) {
	t.Helper()
	found, err := kube.AppsV1().Deployments(Namespace).Get(t.Context(), controllerName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if *found.Spec.Replicas != replicas || found.Spec.Template.Spec.Containers[0].Image != image {
		t.Errorf("the controller has %d replicas of %s, want %d of %s",
			*found.Spec.Replicas, found.Spec.Template.Spec.Containers[0].Image, replicas, image)
	}
}

// wantRights asks the API server what the controller's account may do.
func wantRights(t *testing.T, config *rest.Config) {
	t.Helper()
	acting := rest.CopyConfig(config)
	acting.Impersonate.UserName = "system:serviceaccount:" + Namespace + ":weir-controller"
	acting.Impersonate.Groups = []string{"system:serviceaccounts", "system:authenticated"}
	kube := kubernetes.NewForConfigOrDie(acting)
	type ask = authorizationv1.ResourceAttributes
	for name, test := range map[string]struct {
		ask  ask
		want bool
	}{
		"write a route":               {ask{Verb: "patch", Group: "networking.istio.io", Resource: "virtualservices", Namespace: "shop"}, true},
		"write a workload":            {ask{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "shop"}, true},
		"freeze a version":            {ask{Verb: "create", Group: "apps", Resource: "controllerrevisions", Namespace: "shop"}, true},
		"write a release's status":    {ask{Verb: "update", Group: "weir.dev", Resource: "releases", Subresource: "status", Namespace: "shop"}, true},
		"hold the lease":              {ask{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: Namespace}, true},
		"hold a lease elsewhere":      {ask{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "shop"}, false},
		"see pods":                    {ask{Verb: "watch", Resource: "pods"}, true},
		"delete pods":                 {ask{Verb: "delete", Resource: "pods", Namespace: "shop"}, false},
		"evict a pod":                 {ask{Verb: "create", Resource: "pods", Subresource: "eviction", Namespace: "shop"}, true},
		"see who injects":             {ask{Verb: "list", Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations"}, true},
		"change who injects":          {ask{Verb: "update", Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations"}, false},
		"change secrets":              {ask{Verb: "update", Resource: "secrets", Namespace: "istio-system"}, false},
		"enter a container":           {ask{Verb: "create", Resource: "pods", Subresource: "exec", Namespace: "shop"}, false},
		"speak to istiod":             {ask{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Name: "weir-istiod-reader", Namespace: "istio-system"}, true},
		"act as istiod":               {ask{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Name: "istiod", Namespace: "istio-system"}, false},
		"act as anybody else":         {ask{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Name: "default", Namespace: "shop"}, false},
		"give rights":                 {ask{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "rolebindings", Namespace: "shop"}, false},
		"change what users write":     {ask{Verb: "update", Group: "weir.dev", Resource: "strategies", Namespace: "shop"}, false},
		"delete what users have made": {ask{Verb: "delete", Group: "weir.dev", Resource: "applications", Namespace: "shop"}, false},
	} {
		t.Run("may/"+name, func(t *testing.T) {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &test.ask}}
			answer, err := kube.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if answer.Status.Allowed != test.want {
				t.Errorf("allowed: %v, want %v %s", answer.Status.Allowed, test.want, answer.Status.Reason)
			}
		})
	}
}

func servesApplications(t *testing.T, kube kubernetes.Interface) bool {
	t.Helper()
	served, err := kube.Discovery().ServerResourcesForGroupVersion("weir.dev/v1alpha1")
	if err != nil {
		t.Fatal(err)
	}
	return len(served.APIResources) >= len(kinds)
}
