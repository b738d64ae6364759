// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAdditions(t *testing.T) {
	type m = map[string]any
	pod := func(spec m) m { return m{"spec": m{"template": m{"spec": spec}}} }
	containers := func(all ...any) m { return pod(m{"containers": all}) }
	for name, tt := range map[string]struct {
		kind       string
		have, want m
		paths      []string
	}{
		"nothing":                       {"VirtualService", m{"spec": m{"hosts": []any{"a"}}}, m{"spec": m{"hosts": []any{"a"}}}, nil},
		"a field of a route":            {"VirtualService", m{"spec": m{"http": []any{m{"name": "a", "retries": m{}}}}}, m{"spec": m{"http": []any{m{"name": "a"}}}}, []string{"/spec/http/0/retries"}},
		"a route more":                  {"VirtualService", m{"spec": m{"http": []any{m{}, m{}}}}, m{"spec": m{"http": []any{m{}}}}, nil},
		"hidden":                        {"DestinationRule", m{"spec": m{"exportTo": []any{"."}}}, m{"spec": m{}}, []string{"/spec/exportTo"}},
		"a slash in a key":              {"Service", m{"spec": m{"selector": m{"a/b": "c"}}}, m{"spec": m{"selector": m{}}}, []string{"/spec/selector/a~1b"}},
		"what the API server fills in":  {"Service", m{"spec": m{"clusterIP": "10.0.0.1", "ports": []any{m{"port": int64(80), "protocol": "TCP"}}}}, m{"spec": m{"ports": []any{m{"port": int64(80)}}}}, nil},
		"a port more":                   {"Service", m{"spec": m{"ports": []any{m{"name": "a", "port": int64(1)}, m{"name": "b", "port": int64(2)}}}}, m{"spec": m{"ports": []any{m{"name": "b", "port": int64(2)}}}}, []string{"/spec/ports/0"}},
		"a container more":              {"Deployment", containers(m{"name": "x"}, m{"name": "a"}, m{"name": "y"}), containers(m{"name": "a"}), []string{"/spec/template/spec/containers/2", "/spec/template/spec/containers/0"}},
		"a variable":                    {"Deployment", containers(m{"name": "a", "env": []any{m{"name": "X"}}}), containers(m{"name": "a"}), []string{"/spec/template/spec/containers/0/env"}},
		"a variable beside others":      {"Deployment", containers(m{"name": "a", "env": []any{m{"name": "A"}, m{"name": "X"}}}), containers(m{"name": "a", "env": []any{m{"name": "A"}}}), []string{"/spec/template/spec/containers/0/env/1"}},
		"defaults of a container":       {"Deployment", containers(m{"name": "a", "imagePullPolicy": "Always"}), containers(m{"name": "a"}), nil},
		"annotations, such as restarts": {"Deployment", m{"spec": m{"template": m{"metadata": m{"annotations": m{"a": "b"}}}}}, m{"spec": m{"template": m{}}}, nil},
		"a kind that is not sealed":     {"ServiceAccount", m{"secrets": []any{"x"}}, m{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.paths, additions(tt.kind, tt.have, tt.want)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
