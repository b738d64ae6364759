// SPDX-License-Identifier: Apache-2.0

package takeover

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

func TestInherits(t *testing.T) {
	pod := func(version, inherited string) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{api.LabelVersion: version}, Annotations: map[string]string{Inherited: inherited}}}
	}
	for name, tt := range map[string]struct {
		pods []corev1.Pod
		want bool
	}{
		"none":                           {nil, false},
		"all as they were":               {[]corev1.Pod{pod("v1", "true"), pod("v1", "true")}, true},
		"one was made anew meanwhile":    {[]corev1.Pod{pod("v1", "true"), pod("v1", "")}, true},
		"all were made anew":             {[]corev1.Pod{pod("v1", "")}, false},
		"another version is wanted":      {[]corev1.Pod{pod("v0", "true")}, false},
		"back on the way to another one": {[]corev1.Pod{pod("v1", "true"), pod("v2", "")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Inherits(tt.pods, "v1"); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
