// SPDX-License-Identifier: Apache-2.0

//go:build api

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/preview"
)

const shopFile = `apiVersion: weir.dev/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  components:
    - {name: page, image: "shop/page:1.0", ports: [{port: 9080}], uses: [stock], expose: {}}
    - {name: stock, image: "shop/stock:1.0", ports: [{port: 8080}], replicas: 2}
`

func (s shell) file(text string) string {
	s.Helper()
	path := filepath.Join(s.TempDir(), "file.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// shop is an application that the controller has made, as the command sees it.
func (s shell) shop() *api.Application {
	s.Helper()
	w, err := readWish(nil, s.file(shopFile))
	if err != nil {
		s.Fatal(err)
	}
	app := w.application
	app.Namespace = s.namespace
	s.create(app)
	objects, err := preview.Objects(preview.Input{Then: app})
	if err != nil {
		s.Fatal(err)
	}
	for _, o := range objects {
		if _, err := (kube.Applier{Client: s.client, Reader: s.client}).Apply(s.Context(), o); err != nil {
			s.Fatal(err)
		}
	}
	return app
}

func TestAppCommands(t *testing.T) {
	s := newShell(t, "app-commands")
	s.says(0, "no applications", "app", "list")
	s.says(1, "nor any other", "app", "get", "shop")
	s.bookinfo()
	s.says(0, "app-commands", "app", "list", "-A")
	s.says(0, notLookedAt, "app", "get", "bookinfo")
	s.says(1, `no application "shop"; there are: bookinfo`, "app", "get", "shop")
	s.says(0, "v1→v2", "app", "get", "bookinfo")
	s.says(0, `"name": "bookinfo"`, "app", "list", "-o", "json")
	s.says(0, "reviews-v2   bookinfo", "app", "describe", "bookinfo")
	s.says(0, "image: reviews:v1", "app", "render", "bookinfo") // the release has not begun to move
}

func TestAppRender(t *testing.T) {
	s := newShell(t, "app-render")
	got := s.weir(0, "app", "render", "-f", s.file(shopFile))
	for _, want := range []string{"kind: Deployment", "name: http-9080", "kind: VirtualService", "weight: 100", "namespace: app-render"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	s.says(1, "say what to render", "app", "render")
	s.says(1, "not both", "app", "render", "shop", "-f", s.file(shopFile))
	s.says(1, "template.spec: ", "app", "render", "-f", s.file(strings.Replace(shopFile, "replicas: 2", "template: {spec: {volume: []}}", 1)))
}

func TestAppDiff(t *testing.T) {
	s := newShell(t, "app-diff")
	s.says(1, "+ Deployment page-1-0", "app", "diff", "-f", s.file(shopFile), "--brief")
	s.shop()
	if got := s.weir(0, "app", "diff", "shop"); got != "" {
		t.Errorf("nothing was changed, yet it says\n%s", got)
	}
	s.says(2, "say what to compare", "app", "diff")

	var d appsv1.Deployment
	key := client.ObjectKey{Namespace: s.namespace, Name: "stock-1-0"}
	if err := s.client.Get(t.Context(), key, &d); err != nil {
		t.Fatal(err)
	}
	d.Spec.Replicas, d.Spec.Template.Spec.Containers[0].Image = ptr.To[int32](7), "shop/stock:evil"
	if err := s.client.Update(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	got := s.weir(1, "app", "diff", "shop")
	for _, want := range []string{"~ Deployment stock-1-0", "-  replicas: 7", "+  replicas: 2", "-      - image: shop/stock:evil"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	got = s.weir(1, "app", "diff", "-f", s.file(strings.Replace(shopFile, "replicas: 2", "replicas: 3", 1)), "--brief")
	if !strings.HasPrefix(got, "~ Application shop\n~ Deployment stock-1-0\n") {
		t.Errorf("the file changes\n%s", got)
	}
}

func TestAppDelete(t *testing.T) {
	s := newShell(t, "app-delete")
	app := s.shop()
	s.create(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "mine"}},
		&autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "stock"},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				MaxReplicas: 9, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "stock-1-0"},
			},
		},
	)
	got := s.weir(0, "app", "delete", "shop", "--dry-run")
	for _, want := range []string{"Deployment        page-1-0", "it names Deployment stock-1-0", "Nothing was deleted", "(13 objects)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "mine") {
		t.Errorf("what has nothing to do with it is named:\n%s", got)
	}
	s.says(0, `"kind": "Gateway"`, "app", "delete", "shop", "--dry-run", "-o", "json")
	s.says(1, "name an application, or say --orphans", "app", "delete")
	s.says(0, "was made for an application, and is left", "app", "delete", "--orphans")

	// No controller runs here, so what it made stays behind.
	s.says(0, "application shop is gone", "app", "delete", "shop")
	s.says(1, "nothing was deleted; add --yes", "app", "delete", "--orphans")
	s.says(0, "12 objects deleted", "app", "delete", "--orphans", "--yes")
	var d appsv1.Deployment
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "page-1-0"}, &d); !apierrors.IsNotFound(err) {
		t.Errorf("the orphan is there: %v", err)
	}

	app.ResourceVersion, app.UID = "", ""
	app.Finalizers = []string{api.FinalizerDeparture}
	s.create(app)
	s.says(1, "is not gone after 500ms: waiting for the controller", "app", "delete", "shop", "--timeout", "500ms")
	s.says(0, "is being deleted", "app", "delete", "shop", "--wait=false")
	s.says(0, "is being deleted", "app", "list")
}

func TestAppInit(t *testing.T) {
	s := newShell(t, "app-init")
	s.says(1, "nothing runs in namespace app-init", "app", "init")
	compose := s.file("services: {page: {image: 'page:1', ports: ['8080:8080'], environment: {STOCK: 'http://stock:9000'}}, stock: {image: 'stock:1'}}")
	draft := s.weir(0, "app", "init", "-f", compose, "--name", "shop")
	for _, want := range []string{"# stock: port 9000 is where page calls it", "    - name: page\n      image: page:1\n"} {
		if !strings.Contains(draft, want) {
			t.Errorf("no %q in\n%s", want, draft)
		}
	}
	s.says(1, "+ Application shop", "app", "diff", "-f", s.file(draft)) // the API server takes it
	s.says(1, "no such file", "app", "init", "-f", "nowhere.yaml")

	pods := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "podinfo"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "podinfod", Image: "podinfo:6", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 9898}}}}},
	}
	s.create(
		&appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "podinfo"},
			Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: pods.Labels}, Template: pods},
		},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "podinfo"},
			Spec:       corev1.ServiceSpec{Selector: pods.Labels, Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}}},
		},
	)
	draft = s.weir(0, "app", "init")
	if want := "target: 9898"; !strings.Contains(draft, want) || strings.Contains(draft, "template") {
		t.Errorf("the API server's defaults are in the draft, or no %q:\n%s", want, draft)
	}
	s.says(1, "+ Application app-init", "app", "diff", "-f", s.file(draft))
	s.says(0, "external: true", "app", "init", "--external", "--only", "podinfo")
}
