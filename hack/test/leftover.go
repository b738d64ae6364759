// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/state"
)

// testClusters is where end-to-end tests keep the state of their clusters, one root for each.
const testClusters = "/var/lib/weir-e2e-*"

func testRoots() []string {
	roots, _ := filepath.Glob(testClusters) // the pattern is well formed
	return roots
}

// removeLeftovers ends the clusters of tests that died before they could do it themselves. Those that were there before
// the tests belong to somebody else.
func removeLeftovers(ctx context.Context, before []string) error {
	var faults []error
	for _, root := range testRoots() {
		if slices.Contains(before, root) {
			continue
		}
		names, err := state.Names(root)
		faults = append(faults, err)
		for _, name := range names {
			fmt.Printf("  … removing cluster %s, which a test left behind\n", name)
			faults = append(faults, cluster.Down(ctx, cluster.Ref{Name: name, Root: root}))
		}
	}
	return errors.Join(faults...)
}
