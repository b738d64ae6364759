// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "weir.dev/weir/api/v1alpha1"
)

func TestNumbered(t *testing.T) {
	s := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
		{Port: 80, TargetPort: intstr.FromString("web")}, {Port: 81, TargetPort: intstr.FromInt32(8081)}, {Port: 82, TargetPort: intstr.FromString("else")},
	}}}
	names := numbered(s, api.Component{Ports: []api.Port{{Port: 80, Target: 8080}, {Port: 81, Target: 8081}}})
	if diff := cmp.Diff([]string{"web"}, names); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, p := range s.Spec.Ports {
		got = append(got, p.TargetPort.String())
	}
	if diff := cmp.Diff([]string{"8080", "8081", "else"}, got); diff != "" {
		t.Error(diff)
	}
}
