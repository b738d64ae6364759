// SPDX-License-Identifier: Apache-2.0

// Package admission says whether what a user writes can be carried out, as far as that can be known beforehand from it and
// from what else there is.
package admission

import (
	"errors"
	"slices"
)

// Verdict is what there is to say about a write.
type Verdict struct {
	// Faults are why it is refused, each with its field; none lets it pass.
	Faults []string
	// Warnings are told to whoever writes, and stop nothing.
	Warnings []string
}

// since leaves as faults only what is new. What was there before the write is a warning: it did not come by this write, and
// must not keep anybody from putting one thing right after the other.
func (v Verdict) since(before []string) Verdict {
	out := Verdict{Warnings: v.Warnings}
	for _, fault := range v.Faults {
		if slices.Contains(before, fault) {
			out.Warnings = append(out.Warnings, "as before: "+fault)
		} else {
			out.Faults = append(out.Faults, fault)
		}
	}
	return out
}

// spread returns the lines of an error that joins several.
func spread(err error) []string {
	if err == nil {
		return nil
	}
	var several interface{ Unwrap() []error }
	if !errors.As(err, &several) {
		return []string{err.Error()}
	}
	out := make([]string, 0, len(several.Unwrap()))
	for _, one := range several.Unwrap() {
		out = append(out, one.Error())
	}
	return out
}
