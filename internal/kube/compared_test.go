// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestComparedForgetsWhatChanges(t *testing.T) {
	object := func(version string) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{UID: "1", ResourceVersion: version, Name: "a"}}
	}
	for name, tt := range map[string]struct {
		memory *Compared
		live   *corev1.Service
		digest string
		same   bool
	}{
		"as it was":              {NewCompared(), object("7"), "wanted", true},
		"changed since":          {NewCompared(), object("8"), "wanted", false},
		"wanted otherwise":       {NewCompared(), object("7"), "wanted otherwise", false},
		"no memory":              {nil, object("7"), "wanted", false},
		"another under its name": {NewCompared(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{UID: "2", ResourceVersion: "7", Name: "a"}}, "wanted", false},
	} {
		t.Run(name, func(t *testing.T) {
			tt.memory.remember(object("7"), "wanted")
			if got := tt.memory.same(tt.live, tt.digest); got != tt.same {
				t.Errorf("same: want %v, got %v", tt.same, got)
			}
		})
	}
}

func TestComparedDoesNotGrowForever(t *testing.T) {
	memory := NewCompared()
	for n := range compared + 1 {
		memory.remember(&corev1.Service{ObjectMeta: metav1.ObjectMeta{UID: types.UID(strconv.Itoa(n)), ResourceVersion: "7"}}, "wanted")
	}
	if got := memory.known.Len(); got > compared {
		t.Errorf("it remembers %d objects", got)
	}
}
