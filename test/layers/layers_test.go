// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"os"
	"testing"
)

// TestLayers holds the repository to its map.
func TestLayers(t *testing.T) {
	text, err := os.ReadFile("../../docs/layers.txt")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Parse(string(text))
	if err != nil {
		t.Fatalf("docs/layers.txt: %v", err)
	}
	module, packages, err := Read(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range rules.Check(module, packages) {
		t.Error(fault)
	}
}
