// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"cmp"
	"slices"
)

// DefaultHistory is how many earlier versions and releases of a component are kept when the application does not say.
const DefaultHistory = 10

// Kept is a version that is kept, and when it came to be among those of its component.
type Kept struct {
	Version string
	Number  int64
}

// Surplus returns the versions that may be forgotten: all but those in use and the newest of the others up to the limit.
// Those that a record names stay as well, and count.
func Surplus(kept []Kept, inUse, named map[string]bool, limit int) []string {
	kept = slices.DeleteFunc(slices.Clone(kept), func(k Kept) bool { return inUse[k.Version] })
	slices.SortFunc(kept, func(a, b Kept) int { return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.Version, b.Version)) })
	for _, k := range kept {
		if named[k.Version] {
			limit--
		}
	}
	var out []string
	for _, k := range kept {
		switch {
		case named[k.Version]:
		case limit > 0:
			limit--
		default:
			out = append(out, k.Version)
		}
	}
	return out
}
