// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestVersionOf(t *testing.T) {
	for name, tt := range map[string]struct{ image, label, want string }{
		"a release":                       {"docker.io/istio/pilot:1.31.0", "1.31.0", "1.31.0"},
		"a variant":                       {"docker.io/istio/pilot:1.31.0-distroless", "1.31.0", "1.31.0-distroless"},
		"a build between releases":        {"registry.example:5000/pilot:1.31-alpha.eed52ebb66ad", "1.0.0", "1.31-alpha.eed52ebb66ad"},
		"a tag that is no version":        {"pilot:latest", "1.30.2", "1.30.2"},
		"a tag that is no version, alone": {"pilot:latest", "", "latest"},
		"a digest":                        {"pilot@sha256:0123", "1.30.2", "1.30.2"},
		"nothing tells":                   {"registry.example:5000/pilot", "", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			var d appsv1.Deployment
			if tt.label != "" {
				d.Labels = map[string]string{"app.kubernetes.io/version": tt.label}
			}
			d.Spec.Template.Spec.Containers = []corev1.Container{{Image: tt.image}}
			if got := versionOf(d); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
