// SPDX-License-Identifier: Apache-2.0

package revision_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir.dev/weir/internal/plan/revision"
)

func TestSurplus(t *testing.T) {
	kept := []revision.Kept{{Version: "v2", Number: 2}, {Version: "v1", Number: 1}, {Version: "v4", Number: 4}, {Version: "v3", Number: 3}}
	is := func(versions ...string) map[string]bool {
		out := map[string]bool{}
		for _, v := range versions {
			out[v] = true
		}
		return out
	}
	for name, tt := range map[string]struct {
		inUse, named map[string]bool
		limit        int
		want         []string
	}{
		"within the limit":              {nil, nil, 4, nil},
		"the oldest go":                 {nil, nil, 2, []string{"v2", "v1"}},
		"what is in use does not go":    {is("v1"), nil, 2, []string{"v2"}},
		"what is in use does not count": {is("v4", "v3"), nil, 1, []string{"v1"}},
		"what is named does not go":     {nil, is("v1"), 2, []string{"v3", "v2"}},
		"what is named counts":          {is("v4"), is("v3", "v2"), 2, []string{"v1"}},
		"more are named than are to be": {is("v4"), is("v3", "v2"), 1, []string{"v1"}},
		"in use and named":              {is("v4"), is("v4", "v3"), 1, []string{"v2", "v1"}},
		"none":                          {is("v2"), nil, 0, []string{"v4", "v3", "v1"}},
		"a limit that makes no sense":   {nil, nil, -1, []string{"v4", "v3", "v2", "v1"}},
		"in use and not there":          {is("v9"), nil, 3, []string{"v1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, revision.Surplus(kept, tt.inUse, tt.named, tt.limit)); diff != "" {
				t.Errorf("surplus (-want +got):\n%s", diff)
			}
		})
	}
}
