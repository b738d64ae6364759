// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/check"
)

// findings are the faults that weir check finds in a namespace, as rule and object.
func (s *shop) findings(t *testing.T, namespace string) []string {
	t.Helper()
	text, code := s.try(t, "check", "-n", namespace, "-o", "json")
	var found []check.Finding
	if err := json.Unmarshal([]byte(text), &found); err != nil || code > 1 {
		t.Fatalf("exit code %d, %v\n%s", code, err, text)
	}
	var out []string
	for _, f := range found {
		if f.Namespace == namespace && f.Level == check.Fault {
			out = append(out, f.Rule+" "+f.Where)
		}
	}
	slices.Sort(out)
	return out
}

// testCheck finds processes that listen on 127.0.0.1 alone, and what else the mesh trips over, and sees them mended.
func (s *shop) testCheck(t *testing.T) {
	s.applyFile(t, "deaf.yaml")
	t.Cleanup(func() { s.remove(t, "deaf") })
	eventually(t, func() string {
		said := saying(s.app(t, "deaf", "deaf"), api.ConditionReady)
		for _, component := range []string{"lonely", "outside", "elsewhere"} {
			if !strings.Contains(said, "container "+component+" takes no connections on port 8080") || !strings.Contains(said, "make it listen on 0.0.0.0:8080") {
				return component + " is not named: " + said
			}
		}
		return ""
	})
	want := []string{
		"HostNetwork Deployment node", "LoopbackOnly Deployment asked-v1", "LoopbackOnly Deployment lonely-v1", "LoopbackOnly Deployment outside-v1",
		"PortConflict Service hand-too, port 80", "ReservedPort Deployment hand", "SidecarUser Deployment hand",
	}
	eventually(t, func() string { return cmp.Diff(want, s.findings(t, "deaf")) })
	err := s.edit(t, "deaf", "deaf", func(spec *api.ApplicationSpec) {
		for i := range spec.Components {
			spec.Components[i].Version = "v2"
			spec.Components[i].Env = []corev1.EnvVar{{Name: "LISTEN", Value: "0.0.0.0:8080"}}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s.ready(t, "deaf", "deaf")
	for _, f := range s.findings(t, "deaf") {
		if strings.HasPrefix(f, "LoopbackOnly") {
			t.Error(fmt.Errorf("%s is still found after it was mended", f))
		}
	}
}
