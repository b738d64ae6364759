// SPDX-License-Identifier: Apache-2.0

//go:build api

package main

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"weir.dev/weir/internal/check"
)

func TestCheck(t *testing.T) {
	s := newShell(t, "check")
	got := s.weir(1, "check", "--cluster-only")
	for _, want := range []string{"✓ Kubernetes 1.", "✗ no istiod runs in the cluster", "! Weir's kinds are there, but no controller", "Prometheus at http://prometheus.istio-system:9090 does not answer"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	s.create(
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "page"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "page"}, Ports: []corev1.ServicePort{{Port: 7000}}},
		},
		&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "page", Labels: map[string]string{"app": "page", "sidecar.istio.io/inject": "true"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "page", Image: "page"}}, AutomountServiceAccountToken: new(bool)},
		},
	)
	got = s.weir(1, "check")
	for _, want := range []string{
		"Namespace check: 0 applications, 1 Service, 1 pod", "✗ Pod page: pod page is to be in the mesh and came up without a sidecar",
		"! Service page, port 7000: nothing says what is spoken", "→ give its pods the label version (PodLabels)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	var found []check.Finding
	if err := json.Unmarshal([]byte(s.weir(1, "check", "-o", "json")), &found); err != nil || len(found) < 5 {
		t.Errorf("%d findings, %v", len(found), err)
	}
	s.says(2, "there is no namespace nowhere", "check", "-n", "nowhere")
	s.says(1, "fault", "check", "-A")
}
