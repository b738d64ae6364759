// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// tally counts tests; a subtest counts as a test.
type tally struct {
	passed, failed, skipped int
	// failures names what failed.
	failures []string
}

func (t *tally) add(other tally) {
	t.passed += other.passed
	t.failed += other.failed
	t.skipped += other.skipped
	t.failures = append(t.failures, other.failures...)
}

// String is the closing line of a run.
func (t tally) String() string {
	line := fmt.Sprintf("%d passed, %d failed", t.passed, t.failed)
	if t.skipped > 0 {
		line += fmt.Sprintf(", %d skipped", t.skipped)
	}
	return line
}
