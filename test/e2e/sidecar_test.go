// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

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
)

const injectorName = "istio-sidecar-injector"

// testSidecar lets pods come up while istiod is away, under a webhook that lets them, and sees them found and replaced with
// care. The namespace asks for its Istio by the name of a revision.
func (s *shop) testSidecar(t *testing.T) {
	s.applyFile(t, "bare.yaml")
	t.Cleanup(func() { s.remove(t, "bare") })
	s.abnormal(t, "revision stable of Istio, which namespace bare asks for, is not there; there are: default")
	s.tag(t, "stable")
	s.normal(t)
	all := intstr.FromInt32(2)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "bare", Name: "two"}, Spec: policyv1.PodDisruptionBudgetSpec{
		MinAvailable: &all, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "two"}},
	}}
	if err := s.client.Create(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	s.lose(t, "one", "two")
	s.abnormal(t, "istiod (istio-system/istiod) is not ready to inject")
	s.istiods(t, 1)
	s.abnormal(t, "two", "its PodDisruptionBudget allows none to go")
	if pods := s.pods(t, "bare", "two"); bare(pods) != 2 {
		t.Errorf("%d of %d pods of two without a sidecar; want 2, which the budget protects", bare(pods), len(pods))
	}
	if err := s.client.Delete(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	s.normal(t)
	for _, component := range []string{"one", "two"} {
		s.says(t, "bare", component, "8080", "/", "name="+component)
	}
}

func bare(pods []corev1.Pod) int {
	n := 0
	for i := range pods {
		if !injection.HasSidecar(&pods[i]) {
			n++
		}
	}
	return n
}

// abnormal waits until the condition says all of the words.
func (s *shop) abnormal(t *testing.T, words ...string) {
	t.Helper()
	eventually(t, func() string {
		app := s.app(t, "bare", "bare")
		for _, w := range words {
			if !apimeta.IsStatusConditionFalse(app.Status.Conditions, api.ConditionInjected) || !strings.Contains(saying(app, api.ConditionInjected), w) {
				return fmt.Sprintf("no %q in %q", w, saying(app, api.ConditionInjected))
			}
		}
		return ""
	})
}

// normal waits until every pod is in the mesh, and the application says so.
func (s *shop) normal(t *testing.T) {
	t.Helper()
	eventually(t, func() string {
		app := s.app(t, "bare", "bare")
		if !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionInjected) {
			return "not injected: " + saying(app, api.ConditionInjected)
		}
		for component, n := range map[string]int{"one": 1, "two": 2} {
			if pods := s.pods(t, "bare", component); len(pods) != n || bare(pods) != 0 {
				return fmt.Sprintf("%s has %d pods, %d without a sidecar", component, len(pods), bare(pods))
			}
		}
		return ""
	})
	s.ready(t, "bare", "bare")
}

// tag lets istiod serve under another name besides, as istioctl tag set does.
func (s *shop) tag(t *testing.T, name string) {
	t.Helper()
	own := s.injector(t)
	tag := &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{
		Name: "istio-revision-tag-" + name, Labels: map[string]string{"istio.io/tag": name, "istio.io/rev": "default", "app": "sidecar-injector"},
	}}
	w := *own.Webhooks[0].DeepCopy()
	w.Name = "rev.namespace.sidecar-injector.istio.io"
	w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"istio.io/rev": name}}
	w.ObjectSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "sidecar.istio.io/inject", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"false"}},
	}}
	w.FailurePolicy = ptr.To(admissionv1.Ignore)
	tag.Webhooks = []admissionv1.MutatingWebhook{w}
	if err := s.client.Create(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.client.Delete(context.WithoutCancel(t.Context()), tag); err != nil {
			t.Error(err)
		}
	})
}

func (s *shop) injector(t *testing.T) *admissionv1.MutatingWebhookConfiguration {
	t.Helper()
	var c admissionv1.MutatingWebhookConfiguration
	if err := s.client.Get(t.Context(), client.ObjectKey{Name: injectorName}, &c); err != nil {
		t.Fatal(err)
	}
	return &c
}

// lose takes istiod away, and the pods of components with it.
func (s *shop) lose(t *testing.T, components ...string) {
	t.Helper()
	s.istiods(t, 0)
	for _, component := range components {
		err := s.client.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("bare"), client.GracePeriodSeconds(0),
			client.MatchingLabels{api.LabelComponent: component})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// istiods scales istiod, and waits until it is so: one that ends is no replica any more, and injects while no other is there.
func (s *shop) istiods(t *testing.T, n int32) {
	t.Helper()
	istiod := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "istiod"}}
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n))
	if err := s.client.Patch(t.Context(), istiod, patch); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(istiod), istiod); err != nil {
			return err.Error()
		}
		if istiod.Status.ReadyReplicas != n || istiod.Status.Replicas != n {
			return fmt.Sprintf("%d of %d istiods ready, want %d", istiod.Status.ReadyReplicas, istiod.Status.Replicas, n)
		}
		var pods corev1.PodList
		if err := s.client.List(t.Context(), &pods, client.InNamespace(istiod.Namespace), client.MatchingLabels{"app": "istiod"}); err != nil {
			return err.Error()
		}
		if len(pods.Items) != int(n) {
			return fmt.Sprintf("%d pods of istiod, want %d", len(pods.Items), n)
		}
		return ""
	})
}
