// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	admission "k8s.io/api/admission/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/kube"
)

// injector is an istiod as far as pods see it: a webhook that adds a container. It may be switched off.
type injector struct {
	off   atomic.Bool
	asked atomic.Int64
}

// newInjector registers the webhook for pods of the namespace, once it is labeled.
func newInjector(t *testing.T, w *world) *injector {
	t.Helper()
	i := &injector{}
	server := httptest.NewTLSServer(http.HandlerFunc(i.inject))
	t.Cleanup(server.Close)
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	none := admissionv1.SideEffectClassNone
	c := &admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "injector-" + w.namespace, Labels: map[string]string{"istio.io/rev": "default"}},
		Webhooks: []admissionv1.MutatingWebhook{{
			Name: "namespace.sidecar-injector.istio.io", SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
			ClientConfig:  admissionv1.WebhookClientConfig{URL: ptr.To(server.URL), CABundle: bundle},
			FailurePolicy: ptr.To(admissionv1.Fail),
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{
				"istio-injection": "enabled", corev1.LabelMetadataName: w.namespace,
			}},
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.Create},
				Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
		}},
	}
	if err := w.client.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.client.Delete(context.WithoutCancel(w.ctx), c) })
	return i
}

func (i *injector) inject(w http.ResponseWriter, r *http.Request) {
	i.asked.Add(1)
	var review admission.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admission.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if !i.off.Load() && bytes.Contains(review.Request.Object.Raw, []byte(`"sidecar.istio.io/inject":"true"`)) {
		review.Response.PatchType = ptr.To(admission.PatchTypeJSONPatch)
		review.Response.Patch = []byte(`[{"op":"add","path":"/spec/containers/-","value":{"name":"istio-proxy","image":"proxy"}}]`)
	}
	_ = json.NewEncoder(w).Encode(review)
}

// enable lets the injector work for the namespace.
func (w *world) enable(t *testing.T, on string) {
	t.Helper()
	var namespace corev1.Namespace
	if err := w.client.Get(t.Context(), client.ObjectKey{Name: w.namespace}, &namespace); err != nil {
		t.Fatal(err)
	}
	namespace.Labels["istio-injection"] = on
	if err := w.client.Update(t.Context(), &namespace); err != nil {
		t.Fatal(err)
	}
}

// injected waits until the condition is that, and says those words.
func (w *world) injected(t *testing.T, status metav1.ConditionStatus, words string) {
	t.Helper()
	w.eventually("Injected is "+string(status)+": "+words, func() error {
		var app api.Application
		if err := w.client.Get(t.Context(), w.key("shop"), &app); err != nil {
			return err
		}
		c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionInjected)
		if c == nil || c.Status != status || !strings.Contains(c.Message, words) {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
}

func (w *world) pods(t *testing.T) (with, without int) {
	t.Helper()
	var pods corev1.PodList
	if err := w.client.List(t.Context(), &pods, client.InNamespace(w.namespace)); err != nil {
		t.Fatal(err)
	}
	for i := range pods.Items {
		if injection.HasSidecar(&pods.Items[i]) {
			with++
		} else {
			without++
		}
	}
	return with, without
}

func (w *world) bareShop(t *testing.T, replicas int32) {
	t.Helper()
	node.Bare(w.namespace)
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}, Spec: api.ApplicationSpec{
		Components: []api.Component{{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 9080}}, Replicas: &replicas}},
	}}
	if err := w.client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.eventually("there are pods without sidecars, and they are ready", func() error {
		var pods corev1.PodList
		if err := w.client.List(t.Context(), &pods, client.InNamespace(w.namespace)); err != nil {
			return err
		}
		ready := 0
		for i := range pods.Items {
			if kube.PodReady(&pods.Items[i], false) {
				ready++
			}
		}
		if _, without := w.pods(t); without != int(replicas) || ready != int(replicas) {
			return fmt.Errorf("%d without, %d ready", without, ready)
		}
		return nil
	})
}

func TestInjectionOffThenOn(t *testing.T) {
	w := newWorld(t, nil)
	i := newInjector(t, w)
	w.bareShop(t, 3)
	w.injected(t, metav1.ConditionFalse, "3 pods came up without a sidecar (page-v1-0, page-v1-1, page-v1-2); injection is not on for namespace "+w.namespace)
	if with, _ := w.pods(t); with > 0 {
		t.Fatal("something was restarted that would have come up no better")
	}
	i.off.Store(true)
	w.enable(t, "enabled")
	w.injected(t, metav1.ConditionFalse, "a new pod would get none either: istiod was asked, and left it as it was")
	if with, without := w.pods(t); with > 0 || without != 3 || i.asked.Load() == 0 {
		t.Fatalf("%d with and %d without a sidecar, after %d questions", with, without, i.asked.Load())
	}
	i.off.Store(false)
	w.enable(t, "disabled") // and back, so that somebody looks
	w.injected(t, metav1.ConditionFalse, "injection is off for namespace")
	w.enable(t, "enabled")
	w.injected(t, metav1.ConditionTrue, "every pod in the mesh has its sidecar")
	if with, without := w.pods(t); with != 3 || without > 0 {
		t.Errorf("%d with and %d without a sidecar", with, without)
	}
}

func TestInjectionRespectsBudget(t *testing.T) {
	w := newWorld(t, nil)
	newInjector(t, w)
	w.bareShop(t, 2)
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "page"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: ptr.To(intstr.FromInt32(2)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "page"}}},
	}
	if err := w.client.Create(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	// What the cluster's own controller would say.
	budget.Status = policyv1.PodDisruptionBudgetStatus{ObservedGeneration: budget.Generation, CurrentHealthy: 2, DesiredHealthy: 2, ExpectedPods: 2}
	if err := w.client.Status().Update(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	w.enable(t, "enabled")
	w.injected(t, metav1.ConditionFalse, "its PodDisruptionBudget allows none to go")
	if with, _ := w.pods(t); with > 0 {
		t.Error("a pod was restarted against its budget")
	}
	budget.Status.DisruptionsAllowed = 9 // one try of the API server may use up more than one
	if err := w.client.Status().Update(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	w.enable(t, "disabled")
	w.injected(t, metav1.ConditionFalse, "injection is off")
	w.enable(t, "enabled")
	w.injected(t, metav1.ConditionTrue, "")
}

// TestInjectionOfTheOnlyPod needs what a Deployment does by itself: the new pod is there before the old one ends. The
// pretended node does not, so the test looks at what is asked of it.
func TestInjectionOfTheOnlyPod(t *testing.T) {
	w := newWorld(t, nil)
	newInjector(t, w)
	w.bareShop(t, 1)
	w.enable(t, "enabled")
	w.injected(t, metav1.ConditionFalse, "another is started before it ends")
	var d appsv1.Deployment
	if err := w.client.Get(t.Context(), w.key("page-v1"), &d); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, d.Spec.Template.Annotations[api.AnnotationRestarted])
	if err != nil || time.Since(at) > time.Minute {
		t.Errorf("the Deployment was not restarted: %v, %v", d.Spec.Template.Annotations, err)
	}
	if _, without := w.pods(t); without != 1 {
		t.Error("the only pod was taken away")
	}
}
