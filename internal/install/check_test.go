// SPDX-License-Identifier: Apache-2.0

package install

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
)

// world is a cluster in memory that passes every check, until a case changes it.
type world struct {
	version  string
	kinds    []string
	objects  []runtime.Object
	forbids  string
	settings []string
}

func healthyWorld() *world {
	return &world{
		version: "v1.36.1",
		kinds:   []string{"VirtualService", "DestinationRule", "Gateway"},
		objects: []runtime.Object{
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "istio-system"}}, istiod("istio-system", 1), prometheus(),
		},
	}
}

func istiod(namespace string, ready int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istiod", Labels: map[string]string{"app": "istiod"}},
		Status:     appsv1.DeploymentStatus{ReadyReplicas: ready},
	}
}

func prometheus() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "prometheus"}}
}

func (w *world) target(t *testing.T) *target {
	t.Helper()
	kube := fake.NewClientset(w.objects...)
	discovery, ok := kube.Discovery().(*fakediscovery.FakeDiscovery)
	if !ok {
		t.Fatal("no fake discovery")
	}
	discovery.FakedServerVersion = &version.Info{GitVersion: w.version}
	served := &metav1.APIResourceList{GroupVersion: istioGroup}
	for _, kind := range w.kinds {
		served.APIResources = append(served.APIResources, metav1.APIResource{Kind: kind})
	}
	if len(w.kinds) > 0 {
		kube.Resources = append(kube.Resources, served)
	}
	kube.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review, ok := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		if !ok {
			t.Error("no review")
		}
		review.Status.Allowed = review.Spec.ResourceAttributes.Resource != w.forbids
		return true, review, nil
	})
	return &target{kube: kube, config: &rest.Config{Host: "https://cluster.example"}}
}

func TestCheck(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*world)
		// err is what the error must hold; notes what is told when there is none.
		err, notes string
	}{
		"all is well": {func(*world) {}, "", "Kubernetes 1.36.1"},
		"old Kubernetes": {func(w *world) { w.version = "v1.29.9" },
			"https://cluster.example runs Kubernetes 1.29.9; Weir needs 1.30.0 or later", ""},
		"no Istio":        {func(w *world) { w.kinds = nil }, "the cluster has no Istio (networking.istio.io/v1 is not served); install Istio", ""},
		"a part of Istio": {func(w *world) { w.kinds = w.kinds[:2] }, "the cluster has no Gateway of networking.istio.io/v1", ""},
		"istiod elsewhere": {func(w *world) { w.objects = []runtime.Object{istiod("mesh", 1)} },
			"namespace istio-system has no istiod; if it runs elsewhere, say --set istio.namespace=<where>", ""},
		"istiod elsewhere, and said so": {func(w *world) {
			w.objects = []runtime.Object{istiod("mesh", 1), prometheus()}
			w.settings = []string{"istio.namespace=mesh"}
		}, "", "Kubernetes 1.36.1"},
		"istiod not ready": {func(w *world) { w.objects = []runtime.Object{istiod("istio-system", 0)} },
			"istiod in namespace istio-system has no ready pod", ""},
		"one revision of istiod ready": {func(w *world) {
			second := istiod("istio-system", 0)
			second.Name = "istiod-canary"
			w.objects = append(w.objects, second)
		}, "", "Kubernetes 1.36.1"},
		"no administrator": {func(w *world) { w.forbids = "clusterroles" },
			"your account may not create clusterroles; install as an administrator", ""},
		"everything wrong is told at once": {func(w *world) { w.kinds, w.forbids = nil, "namespaces" },
			"your account may not create namespaces", ""},
		"no Prometheus": {func(w *world) { w.objects = w.objects[:2] }, "",
			"Kubernetes 1.36.1; no Prometheus at http://prometheus.istio-system:9090, so releases with an analysis will wait (--set prometheus.url=<where>)"},
		"Prometheus outside": {func(w *world) {
			w.objects = w.objects[:2]
			w.settings = []string{"prometheus.url=https://metrics.example"}
		}, "", "Kubernetes 1.36.1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := healthyWorld()
			test.change(w)
			values, err := Options{Set: w.settings}.values()
			if err != nil {
				t.Fatal(err)
			}
			notes := ""
			err = w.target(t).check(t.Context(), values, func(text string) { notes = text })
			switch {
			case test.err == "" && err != nil:
				t.Errorf("check() fails: %v", err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("check() says %v, want %s", err, test.err)
			case notes != test.notes:
				t.Errorf("notes %q, want %q", notes, test.notes)
			}
		})
	}
}

func TestInCluster(t *testing.T) {
	for address, want := range map[string][2]string{
		"http://prometheus.istio-system:9090":                       {"prometheus", "istio-system"},
		"http://prometheus.istio-system.svc:9090":                   {"prometheus", "istio-system"},
		"http://prometheus.istio-system.svc.cluster.local:9090/api": {"prometheus", "istio-system"},
		"http://127.0.0.1:9090":                                     {},
		"https://prometheus.company.example":                        {},
		"https://metrics":                                           {},
		"://":                                                       {},
	} {
		service, namespace, ok := inCluster(address)
		if got := [2]string{service, namespace}; got != want || ok != (want != [2]string{}) {
			t.Errorf("inCluster(%s) = %v %v, want %v", address, got, ok, want)
		}
	}
}
