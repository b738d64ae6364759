// SPDX-License-Identifier: Apache-2.0

//go:build api

package api_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func TestDefaults(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"component": {
			application("[{name: a, image: b}]"),
			"{components: [{name: a, image: b, kind: Deployment, replicas: 1, mesh: true}]}",
		},
		"component, all said": {
			application("[{name: a, image: b, version: 1.0.0, replicas: 2, mesh: false, ports: [{port: 80}, {port: 15021}], expose: {" +
				"hosts: ['*', '*.example', a.example, localhost], paths: [/], port: 80}}]"),
			"{components: [{name: a, kind: Deployment, image: b, version: 1.0.0, replicas: 2, mesh: false, ports: [{port: 80}, {port: 15021}], expose: {" +
				"hosts: ['*', '*.example', a.example, localhost], paths: [/], port: 80}}]}",
		},
		"uses of every form": {
			application("[{name: a, image: b, uses: [c, d/e, f/d/e, 'https://api.example', 'http://*.b.example:8080', 'mysql://192.0.2.1:3306', " +
				"'grpc://old.shop.svc:50051']}, {name: c, image: b}]"),
			"{components: [{name: a, image: b, kind: Deployment, replicas: 1, mesh: true, uses: [c, d/e, f/d/e, 'https://api.example', 'http://*.b.example:8080', " +
				"'mysql://192.0.2.1:3306', 'grpc://old.shop.svc:50051']}, {name: c, image: b, kind: Deployment, replicas: 1, mesh: true}]}",
		},
		"exposed port of unknown protocol": {
			application("[{name: a, image: b, ports: [{port: 3306, protocol: mysql}, {port: 9999}], expose: {}}]"),
			"{components: [{name: a, image: b, kind: Deployment, replicas: 1, mesh: true, ports: [{port: 3306, protocol: mysql}, {port: 9999}], expose: {}}]}",
		},
		"strategy": {
			strategy(""),
			"{type: Canary, onFailure: Rollback, drain: 10s, capacity: Full, readyDeadline: 5m}",
		},
		"analysis": {
			strategy("analysis: {latency: {max: 1s}}"),
			"{type: Canary, onFailure: Rollback, drain: 10s, capacity: Full, readyDeadline: 5m, analysis: {interval: 30s, minRequests: 50, " +
				"deadline: 10m, onNoData: Hold, onMetricsError: Hold, latency: {quantile: P95, max: 1s}}}",
		},
		"step": {
			strategy("steps: [{weight: 1, hold: 0s}, {weight: 2, hold: 720h}, {weight: 100, hold: 1h30m}], drain: 0s, readyDeadline: 24h"),
			"{type: Canary, onFailure: Rollback, steps: [{weight: 1, hold: 0s}, {weight: 2, hold: 720h}, {weight: 100, hold: 1h30m}], " +
				"capacity: Full, drain: 0s, readyDeadline: 24h}",
		},
		"release": {
			"{apiVersion: weir.dev/v1alpha1, kind: Release, spec: {application: a, component: b, from: c, to: d, strategy: {}}}",
			"{application: a, component: b, from: c, to: d, paused: false, promote: false, abort: false, " +
				"strategy: {type: Canary, onFailure: Rollback, drain: 10s, capacity: Full, readyDeadline: 5m}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := create(t, tt.text, client.DryRunAll)
			if err != nil {
				t.Fatal(err)
			}
			got, err := yaml.Marshal(o.Object["spec"])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(value(t, tt.want), value(t, string(got))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func value(t *testing.T, text string) (v any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExamplesAccepted(t *testing.T) {
	paths, err := filepath.Glob("../../examples/*/manifest/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := create(t, string(text), client.DryRunAll); err != nil {
				t.Error(err)
			}
		})
	}
}
