// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

// application reads components in YAML, in flow style.
func application(t *testing.T, components string) *api.Application {
	t.Helper()
	a := &api.Application{}
	a.Namespace, a.Name = "shop", "shop"
	if err := yaml.UnmarshalStrict([]byte("{components: "+components+"}"), &a.Spec); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAccept(t *testing.T) {
	for name, tt := range map[string]struct{ fields, want string }{
		"nothing odd":             {"ports: [{port: 80, name: web}], readiness: {httpGet: {port: web}}, liveness: {tcpSocket: {port: http-80}}", ""},
		"probe of no port":        {"ports: [{port: 80, name: web}], readiness: {httpGet: {port: api}}", `spec.components[a].readiness: the component has no port named "api"`},
		"probe of a number, text": {"ports: [{port: 80}], startup: {tcpSocket: {port: '80'}}", `spec.components[a].startup: the component has no port named "80"`},
		"uses of its own":         {"uses: [shop/a]", "spec.components[a].uses: shop/a names no other component of this application"},
		"uses of many hosts":      {"uses: ['tcp://*.example:5432']", "calls by tcp do not say which host they mean"},
		"uses of two on a port":   {"uses: ['tcp://a.example:5432', 'tcp://b.example:5432']", "a.example and b.example have port 5432"},
		"uses of two addresses":   {"uses: ['tcp://192.0.2.1:5432', 'tcp://192.0.2.2:5432', 'tcp://a.example:5432', 'https://b.example:5432']", ""},
		"uses by two protocols":   {"uses: ['http://a.example:80', 'grpc://a.example:80']", "a.example:80 is called by http and by grpc"},
		"exposed by appProtocol":  {"ports: [{port: 80, appProtocol: kubernetes.io/h2c}], expose: {}", ""},
		"exposed, but it is tcp":  {"ports: [{port: 80, name: tcp}], expose: {}", "spec.components[a].expose: requests from outside need"},
		"a stream, but datagrams": {"ports: [{port: 53, protocol: udp}], expose: {tcp: 53}", "spec.components[a].expose.tcp: the component has no port"},
		"a stream to datagrams":   {"ports: [{port: 53, protocol: udp}, {port: 80}], expose: {tcp: 53, port: 53}", "spec.components[a].expose.port: connections are not made to port 53"},
		"a stream of http":        {"ports: [{port: 80}], expose: {tcp: 81}", ""},
		"exposed number is tcp":   {"ports: [{port: 80}, {port: 81, appProtocol: redis}], expose: {port: 81}", "spec.components[a].expose: requests from outside need"},
	} {
		t.Run(name, func(t *testing.T) {
			err := plan.Accept(application(t, "[{name: a, image: b, "+tt.fields+"}]"))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAcceptTaken(t *testing.T) {
	for name, tt := range map[string]struct{ taken, want string }{
		"all have a component":    {"[{kind: Service, name: a}, {kind: StatefulSet, name: db}, {kind: Deployment, name: old}]", ""},
		"the name of a version":   {"[{kind: Deployment, name: a-latest}]", "spec.components[a].version: version latest would be Deployment a-latest"},
		"Service of none":         {"[{kind: Service, name: b}]", "spec.takesOver[Service b]: there is no component b"},
		"set of none":             {"[{kind: StatefulSet, name: b}]", "spec.takesOver[StatefulSet b]: there is no component b of kind StatefulSet"},
		"set of another kind yet": {"[{kind: StatefulSet, name: a}]", "spec.takesOver[StatefulSet a]: there is no component a of kind StatefulSet"},
	} {
		t.Run(name, func(t *testing.T) {
			a := application(t, "[{name: a, image: b}, {name: db, image: c, kind: StatefulSet}]")
			if err := yaml.UnmarshalStrict([]byte(tt.taken), &a.Spec.TakesOver); err != nil {
				t.Fatal(err)
			}
			err := plan.Accept(a)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestFilled(t *testing.T) {
	const first = "a pod is ready when its first port accepts connections; an httpGet of its own would tell more"
	for name, tt := range map[string]struct {
		component string
		want      []api.Filled
	}{
		"all said": {"{name: a, image: b, version: v1, ports: [{port: 80, protocol: http}], readiness: {exec: {command: [x]}}}", nil},
		"nothing said": {"{name: a, image: 'b:v1', ports: [{port: 53, protocol: udp}, {port: 8080, target: 80}]}", []api.Filled{
			{Field: "version", Value: "v1", Why: "the tag of the image; a hash follows when another state had the name"},
			{Field: "ports[8080].protocol", Value: "http", Why: "8080 is the port of HTTP by custom"},
			{Field: "readiness", Value: "tcpSocket 80", Why: first},
		}},
		"digest": {"{name: a, image: 'r:5000/b@sha256:00'}", []api.Filled{{Field: "version", Value: "v1", Why: "the digest of the image, which has no tag"}}},
		"no tag": {"{name: a, image: 'r:5000/b'}", []api.Filled{
			{Field: "version", Value: "v1", Why: "the image has no tag; give it one, so that a new version can be told from the old"},
		}},
		"exposed": {"{name: a, image: b, version: v1, ports: [{port: 7}], readiness: {exec: {command: [x]}}, expose: {}}", []api.Filled{
			{Field: "ports[7].protocol", Value: "http", Why: "requests from outside are sent to it"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := plan.Filled(application(t, "["+tt.component+"]").Spec.Components[0], "v1")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
