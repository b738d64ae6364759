// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestWhatWasWrittenIsWaitedFor(t *testing.T) {
	object := func(uid types.UID, version string) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{UID: uid, ResourceVersion: version}}
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		cached *corev1.Service
		after  time.Duration
		behind bool
	}{
		"the cache has not heard of it":         {object("1", "99"), 0, true},
		"nor a little later":                    {object("1", "99"), Late - 1, true},
		"it was heard of":                       {object("1", "100"), 0, false},
		"somebody wrote since":                  {object("1", "101"), 0, false},
		"too late to be on its way":             {object("1", "99"), Late, false},
		"another under its name":                {object("2", "7"), 0, false},
		"versions that are no numbers are none": {object("1", "x"), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			var memory Written
			memory.Remember(object("1", "100"), begin)
			if got := memory.Behind(tt.cached, begin.Add(tt.after)); got != tt.behind {
				t.Errorf("behind: want %v, got %v", tt.behind, got)
			}
		})
	}
}

func TestWhatArrivedIsForgotten(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	object := &corev1.Service{ObjectMeta: metav1.ObjectMeta{UID: "1", ResourceVersion: "100"}}
	var memory Written
	memory.Remember(object, now)
	memory.Behind(object, now)
	if _, kept := memory.last.Load(object.UID); kept {
		t.Error("it is still remembered")
	}
}
