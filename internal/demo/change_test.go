// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
)

func TestNext(t *testing.T) {
	image := func(tag string) string { return reference(component, tag) }
	cases := map[string]struct {
		current, desired string
		known            []string
		bad              bool
		want             api.Component
		to               string
	}{
		"first":           {"v1", "v1", nil, false, api.Component{Image: image("v2")}, "v2"},
		"second":          {"v2", "v2", []string{"v2"}, false, api.Component{Image: image("v3")}, "v3"},
		"round again":     {"v3", "v3", []string{"v2", "v3"}, false, api.Component{Image: image("v1")}, "v1"},
		"after a bad one": {"v1", "bad-1", []string{"bad-1"}, false, api.Component{Image: image("v2")}, "v2"},
		"after a good one that was sent back": {
			"v1", "v2", []string{"v2"}, false, api.Component{Image: image("v2"), Version: "v2-1", Args: []string{"--version", "v2-1"}}, "v2-1",
		},
		"bad": {
			"v1", "v1", nil, true,
			api.Component{Image: image("v3"), Version: "bad-1", Args: []string{"--version", "bad-1", "--error-rate", errorRate}}, "bad-1",
		},
		"bad again": {
			"v1", "bad-1", []string{"bad-1"}, true,
			api.Component{Image: image("v3"), Version: "bad-2", Args: []string{"--version", "bad-2", "--error-rate", errorRate}}, "bad-2",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			old := api.Component{Image: "old", Args: []string{"old"}}
			got, to := next(old, api.ComponentStatus{Current: c.current, Desired: c.desired}, c.known, c.bad)
			if diff := cmp.Diff(c.want, got); diff != "" || to != c.to {
				t.Errorf("to %q, want %q; component (-want +got):\n%s", to, c.to, diff)
			}
			if old.Image != "old" {
				t.Error("the component handed in was changed")
			}
		})
	}
}

func TestUnexpected(t *testing.T) {
	cases := map[string]struct {
		result Result
		bad    bool
		ok     bool
	}{
		"promoted, none failed":              {Result{Result: Promoted}, false, true},
		"promoted, one failed":               {Result{Result: Promoted, Failed: 1}, false, false},
		"promoted, the new one failed":       {Result{Result: Promoted, Failed: 1, FailedByNew: 1}, false, false},
		"rolled back":                        {Result{Result: RolledBack}, false, false},
		"bad, rolled back, its own failures": {Result{Result: RolledBack, Failed: 3, FailedByNew: 3}, true, true},
		"bad, rolled back, others failed":    {Result{Result: RolledBack, Failed: 3, FailedByNew: 2}, true, false},
		"bad and promoted":                   {Result{Result: Promoted}, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := c.result.Unexpected(c.bad); (err == nil) != c.ok {
				t.Errorf("unexpected: %v, want ok %v", err, c.ok)
			}
		})
	}
}
