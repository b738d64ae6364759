// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCarry(t *testing.T) {
	cases := map[string]struct {
		reason   string
		in, want map[string][]string
	}{
		"W3C": {
			reason: "tracestate may come in several lines",
			in:     map[string][]string{"traceparent": {"00-a-b-01"}, "tracestate": {"x=1", "y=2"}},
			want:   map[string][]string{"traceparent": {"00-a-b-01"}, "tracestate": {"x=1", "y=2"}},
		},
		"B3Multi": {
			reason: "Envoy reads these when no traceparent is there",
			in: map[string][]string{
				"x-b3-traceid": {"1"}, "x-b3-spanid": {"2"}, "x-b3-parentspanid": {"3"}, "x-b3-sampled": {"1"}, "x-b3-flags": {"0"},
			},
			want: map[string][]string{
				"x-b3-traceid": {"1"}, "x-b3-spanid": {"2"}, "x-b3-parentspanid": {"3"}, "x-b3-sampled": {"1"}, "x-b3-flags": {"0"},
			},
		},
		"B3Single": {
			reason: "the one-line form",
			in:     map[string][]string{"b3": {"1-2-1-3"}},
			want:   map[string][]string{"b3": {"1-2-1-3"}},
		},
		"User": {
			reason: "routes match on who the user is",
			in:     map[string][]string{"end-user": {"ann"}, "cookie": {"session=ann"}, "x-request-id": {"r"}, "x-ot-span-context": {"o"}},
			want:   map[string][]string{"end-user": {"ann"}, "cookie": {"session=ann"}, "x-request-id": {"r"}, "x-ot-span-context": {"o"}},
		},
		"Others": {
			reason: "what describes the connection or the body must not be carried on",
			in:     map[string][]string{"content-length": {"3"}, "connection": {"close"}, "accept": {"*/*"}},
			want:   map[string][]string{},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := http.Header{}
			Carry(header(c.in), got)
			if diff := cmp.Diff(header(c.want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func header(lines map[string][]string) http.Header {
	h := http.Header{}
	for name, values := range lines {
		for _, value := range values {
			h.Add(name, value)
		}
	}
	return h
}
