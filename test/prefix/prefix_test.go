// SPDX-License-Identifier: Apache-2.0

package prefix

import (
	"testing"

	"weir.dev/weir/internal/plan"
)

// TestEveryPrefix holds after every single write: no route leads to a port or a subset that is missing, or to a subset that
// has no pods; the weights of a route sum to 100; a host has one writer of its routes and one of its rules. Folder istio has
// Istio's own opinion of the same.
func TestEveryPrefix(t *testing.T) {
	writes := 0
	for seed := range uint64(30) {
		err := Walk(seed, 40, func(when string, stored Stored, _ plan.Object) {
			for _, fault := range stored.faults() {
				t.Errorf("%s: %s", when, fault)
			}
			writes++
		})
		if err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d writes", writes)
	if writes < 10000 {
		t.Errorf("only %d writes were looked at, want 10000", writes)
	}
}
