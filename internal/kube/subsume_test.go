// SPDX-License-Identifier: Apache-2.0

package kube

import "testing"

func TestSubsumes(t *testing.T) {
	type m = map[string]any
	cases := map[string]struct {
		have, want any
		ok         bool
	}{
		"equal":                           {m{"a": int64(1)}, m{"a": int64(1)}, true},
		"more than wanted":                {m{"a": "x", "b": "defaulted"}, m{"a": "x"}, true},
		"field missing":                   {m{}, m{"a": "x"}, false},
		"other value":                     {m{"a": "y"}, m{"a": "x"}, false},
		"deep":                            {m{"a": m{"b": []any{m{"c": "x", "d": "y"}}}}, m{"a": m{"b": []any{m{"c": "x"}}}}, true},
		"deep difference":                 {m{"a": m{"b": []any{m{"c": "y"}}}}, m{"a": m{"b": []any{m{"c": "x"}}}}, false},
		"longer list":                     {[]any{"x", "y"}, []any{"x"}, false},
		"shorter list":                    {[]any{}, []any{"x"}, false},
		"amount in canonical form":        {m{"cpu": "500m"}, m{"cpu": "0.5"}, true},
		"other amount":                    {m{"cpu": "600m"}, m{"cpu": "0.5"}, false},
		"number turned to text":           {m{"a": "1"}, m{"a": int64(1)}, false},
		"empty map wanted, nothing there": {nil, m{}, true},
		"empty list wanted, none there":   {nil, []any{}, true},
		"false wanted, nothing there":     {m{}, m{"a": false}, true},
		"false wanted, true there":        {m{"a": true}, m{"a": false}, false},
		"null wanted is not looked at":    {m{"a": "x"}, m{"a": nil}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := subsumes(c.have, c.want); got != c.ok {
				t.Errorf("subsumes(%v, %v) = %v, want %v", c.have, c.want, got, c.ok)
			}
		})
	}
}
