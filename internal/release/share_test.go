// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"testing"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
)

func TestShare(t *testing.T) {
	reader := api.Match{Headers: []api.NamedMatch{{Name: "end-user", StringMatch: api.StringMatch{Exact: "jason"}}}}
	for name, tt := range map[string]struct {
		stage release.Stage
		want  string
	}{
		"nothing": {release.Stage{}, "0 %"},
		"weight":  {release.Stage{Weight: 10}, "10 %"},
		"match":   {release.Stage{Match: []api.Match{reader}}, "requests with header end-user jason"},
		"one or another, and weight": {
			release.Stage{Weight: 5, Match: []api.Match{reader, {Source: "page", Method: "GET", Path: &api.StringMatch{Prefix: "/a"}}}},
			"requests with header end-user jason or requests by GET and to path /a… and from page, 5 %",
		},
		"every kind of text": {
			release.Stage{Match: []api.Match{{
				Cookies:   []api.NamedMatch{{Name: "c", StringMatch: api.StringMatch{Regex: "a.*"}}},
				Query:     []api.NamedMatch{{Name: "q", StringMatch: api.StringMatch{Prefix: "b"}}},
				UserAgent: &api.StringMatch{Exact: "curl"},
			}}},
			"requests with cookie c /a.*/ and with query q b… and with user agent curl",
		},
		"many matches": {
			release.Stage{Match: []api.Match{reader, {Method: "GET"}, {Method: "PUT"}, {Source: "page"}}},
			"requests with header end-user jason or requests by GET or requests of 2 other matches",
		},
		"mirror": {release.Stage{Mirror: &api.Mirror{Percent: 50, Methods: api.MirrorAll}}, "copies of 50 % of all requests"},
		"mirror with defaults and weight": {
			release.Stage{Weight: 1, Mirror: &api.Mirror{}}, "copies of 100 % of safe requests, 1 %",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.stage.Share(); got != tt.want {
				t.Errorf("Share() = %q, want %q", got, tt.want)
			}
		})
	}
}
