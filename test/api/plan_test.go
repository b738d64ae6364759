// SPDX-License-Identifier: Apache-2.0

//go:build api

package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/random"
)

// TestArbitraryAccepted holds that what the planner's tests draw by chance are Applications as the API takes them, and that
// the API server and Istio's schemas take everything made of them.
func TestArbitraryAccepted(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			in := random.Input(seed, namespace)
			if err := server.Create(t.Context(), in.Application.DeepCopy(), client.DryRunAll, client.FieldValidation("Strict")); err != nil {
				t.Fatal(err)
			}
			objects, err := plan.Objects(in)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range objects {
				o.SetOwnerReferences(nil) // the Application was not stored
				err := server.Create(t.Context(), o.(client.Object), client.DryRunAll, client.FieldValidation("Strict"))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestGoldenAccepted holds that the API server takes what the planner's golden files show.
func TestGoldenAccepted(t *testing.T) {
	paths, err := filepath.Glob("../../internal/plan/testdata/*.golden.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for part := range strings.SplitSeq(strings.TrimPrefix(string(text), "---\n"), "\n---\n") {
				if _, err := create(t, part, client.DryRunAll); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
