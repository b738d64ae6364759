// SPDX-License-Identifier: Apache-2.0

package port_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

func TestResolve(t *testing.T) {
	for name, tt := range map[string]struct {
		c    api.Component
		want []api.Port
	}{
		"known and unknown": {
			api.Component{Ports: []api.Port{{Port: 8080}, {Port: 7}, {Port: 50051}}},
			[]api.Port{{Port: 8080, Protocol: "http"}, {Port: 7, Protocol: "tcp"}, {Port: 50051, Protocol: "grpc"}},
		},
		"said": {
			api.Component{Ports: []api.Port{{Port: 8080, Protocol: "tcp"}}},
			[]api.Port{{Port: 8080, Protocol: "tcp"}},
		},
		"exposed, nothing known": {
			api.Component{Expose: &api.Expose{}, Ports: []api.Port{{Port: 7}, {Port: 8}}},
			[]api.Port{{Port: 7, Protocol: "http"}, {Port: 8, Protocol: "tcp"}},
		},
		"exposed, another speaks http": {
			api.Component{Expose: &api.Expose{}, Ports: []api.Port{{Port: 7}, {Port: 80}}},
			[]api.Port{{Port: 7, Protocol: "tcp"}, {Port: 80, Protocol: "http"}},
		},
		"exposed by number": {
			api.Component{Expose: &api.Expose{Port: 3306}, Ports: []api.Port{{Port: 80}, {Port: 3306}}},
			[]api.Port{{Port: 80, Protocol: "http"}, {Port: 3306, Protocol: "http"}},
		},
		"exposed grpc": {
			api.Component{Expose: &api.Expose{}, Ports: []api.Port{{Port: 50051}}},
			[]api.Port{{Port: 50051, Protocol: "grpc"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, port.Resolve(tt.c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExposed(t *testing.T) {
	for name, tt := range map[string]struct {
		c    api.Component
		want int32
		ok   bool
	}{
		"not exposed":       {api.Component{Ports: []api.Port{{Port: 80}}}, 0, false},
		"the one said":      {api.Component{Ports: []api.Port{{Port: 80}, {Port: 81}}, Expose: &api.Expose{Port: 81}}, 81, true},
		"one not listed":    {api.Component{Ports: []api.Port{{Port: 80}}, Expose: &api.Expose{Port: 81}}, 81, false},
		"first that fits":   {api.Component{Ports: []api.Port{{Port: 3306}, {Port: 80}}, Expose: &api.Expose{}}, 80, true},
		"only declared tcp": {api.Component{Ports: []api.Port{{Port: 80, Protocol: "tcp"}}, Expose: &api.Expose{}}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := port.Exposed(tt.c); got != tt.want || ok != tt.ok {
				t.Errorf("got %d %v, want %d %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestName(t *testing.T) {
	for want, p := range map[string]api.Port{
		"http-80": {Port: 80, Protocol: "http"}, "tcp-443": {Port: 443, Protocol: "https"}, "tcp-9": {Port: 9, Protocol: "tls"},
	} {
		if got := port.Name(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
