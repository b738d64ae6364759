// SPDX-License-Identifier: Apache-2.0

package injection_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"weir.dev/weir/internal/injection"
)

func TestReadiness(t *testing.T) {
	rewritten := corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/app-health/front/readyz", Port: intstr.FromInt32(15020)}}
	written := corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}
	front := func(p corev1.ProbeHandler) corev1.Container {
		return corev1.Container{Name: "front", ReadinessProbe: &corev1.Probe{PeriodSeconds: 2, ProbeHandler: p}}
	}
	sidecar := corev1.Container{Name: "istio-proxy", Env: []corev1.EnvVar{{
		Name: "ISTIO_KUBE_APP_PROBERS", Value: `{"/app-health/front/readyz":{"tcpSocket":{"port":8080},"timeoutSeconds":1}}`,
	}}}
	for name, tt := range map[string]struct {
		spec corev1.PodSpec
		want *corev1.Probe
	}{
		"no probe":                 {corev1.PodSpec{Containers: []corev1.Container{{Name: "front"}}}, nil},
		"no such container":        {corev1.PodSpec{}, nil},
		"outside the mesh":         {corev1.PodSpec{Containers: []corev1.Container{front(written)}}, front(written).ReadinessProbe},
		"handed over to a sidecar": {corev1.PodSpec{Containers: []corev1.Container{front(rewritten), sidecar}}, front(written).ReadinessProbe},
		"handed over to a native sidecar": {
			corev1.PodSpec{InitContainers: []corev1.Container{sidecar}, Containers: []corev1.Container{front(rewritten)}}, front(written).ReadinessProbe,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, injection.Readiness(&corev1.Pod{Spec: tt.spec}, "front")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
