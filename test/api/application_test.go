// SPDX-License-Identifier: Apache-2.0

//go:build api

package api_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// application writes an Application whose spec.components is the YAML given, in flow style.
func application(components string) string {
	return "{apiVersion: weir.dev/v1alpha1, kind: Application, spec: {components: " + components + "}}"
}

func named(name string) string {
	return "{apiVersion: weir.dev/v1alpha1, kind: Application, metadata: {name: " + name +
		"}, spec: {components: [{name: a, image: b}]}}"
}

func TestApplicationRefused(t *testing.T) {
	c41 := strings.Repeat("c", 41)
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"name of 41 characters": {named(c41), []string{"an application's name", "at most 40 characters"}},
		"name with a dot":       {named("shop.example"), []string{"an application's name", "lower case letters, digits and dashes"}},
		"no spec":               {"{apiVersion: weir.dev/v1alpha1, kind: Application}", []string{"spec: Required value"}},
		"spec of nothing":       {"{apiVersion: weir.dev/v1alpha1, kind: Application, spec: {}}", []string{"spec.components: Required value"}},
		"no components":         {application("[]"), []string{"spec.components", "at least 1 items"}},
		"unknown field in the spec": {
			"{apiVersion: weir.dev/v1alpha1, kind: Application, spec: {component: []}}",
			[]string{`unknown field "spec.component"`},
		},
		"unknown field in a component": {
			application("[{name: a, image: b, imagePullPolicy: Always}]"),
			[]string{`unknown field "spec.components[0].imagePullPolicy"`},
		},
		"49 components": {
			application("[" + strings.Repeat("{name: a, image: b},", 49) + "]"),
			[]string{"spec.components: Too many: 49: must have at most 48 items"},
		},
		"two components of one name": {
			application("[{name: a, image: b}, {name: a, image: c}]"),
			[]string{`spec.components[1]: Duplicate value: {"name":"a"}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(t, tt.text, client.DryRunAll)
			refused(t, err, tt.want...)
		})
	}
}

func TestComponentRefused(t *testing.T) {
	c41 := strings.Repeat("c", 41)
	for name, tt := range map[string]struct {
		component string
		want      []string
	}{
		"no name":                 {"{image: b}", []string{"spec.components[0].name: Required value"}},
		"name of 41":              {"{name: " + c41 + ", image: b}", []string{"spec.components[0].name", "may not be more than 40"}},
		"name in capitals":        {"{name: Reviews, image: b}", []string{"spec.components[0].name", "lower case letters, digits and dashes"}},
		"name with a digit first": {"{name: 1a, image: b}", []string{"spec.components[0].name", "begins with a letter"}},
		"name with a dot":         {"{name: a.b, image: b}", []string{"spec.components[0].name", "lower case letters, digits and dashes"}},
		"name ends with a dash":   {"{name: a-, image: b}", []string{"spec.components[0].name", "lower case letters, digits and dashes"}},
		"name of the namespace's own account": {
			"{name: default, image: b}", []string{"spec.components[0].name", `"default" and "kubernetes" belong to Kubernetes`},
		},
		"name of the API server's Service": {
			"{name: kubernetes, image: b}", []string{"spec.components[0].name", `"default" and "kubernetes" belong to Kubernetes`},
		},
		"no image":             {"{name: a}", []string{"spec.components[0].image", "image is missing; write the container image"}},
		"empty image":          {"{name: a, image: ''}", []string{"spec.components[0].image", "at least 1 chars long"}},
		"image of 513":         {"{name: a, image: " + strings.Repeat("b", 513) + "}", []string{"spec.components[0].image", "may not be more than 512"}},
		"image of spaces":      {"{name: a, image: ' b'}", []string{"spec.components[0].image", "without white space", "registry.example/reviews:v2"}},
		"version as a number":  {"{name: a, image: b, version: 1.2}", []string{"spec.components[0].version", "must be of type string"}},
		"version in capitals":  {"{name: a, image: b, version: V1}", []string{"spec.components[0].version", "lower case letters, digits, dashes and dots"}},
		"version of 41":        {"{name: a, image: b, version: " + c41 + "}", []string{"spec.components[0].version", "may not be more than 40"}},
		"replicas -1":          {"{name: a, image: b, replicas: -1}", []string{"spec.components[0].replicas", "greater than or equal to 1"}},
		"replicas 1001":        {"{name: a, image: b, replicas: 1001}", []string{"spec.components[0].replicas", "less than or equal to 1000"}},
		"args as text":         {"{name: a, image: b, args: x}", []string{"spec.components[0].args", "must be of type array"}},
		"variable twice":       {"{name: a, image: b, env: [{name: A}, {name: A}]}", []string{`spec.components[0].env[1]: Duplicate value: {"name":"A"}`}},
		"memory in words":      {"{name: a, image: b, resources: {limits: {memory: much}}}", []string{"spec.components[0].resources.limits.memory", "should match"}},
		"long strategy":        {"{name: a, image: b, strategy: " + strings.Repeat("s", 64) + "}", []string{"spec.components[0].strategy", "may not be more than 63"}},
		"mesh in words":        {"{name: a, image: b, mesh: 'yes'}", []string{"spec.components[0].mesh", "must be of type boolean"}},
		"readiness of nothing": {"{name: a, image: b, readiness: {periodSeconds: 1}}", []string{"spec.components[0].readiness", "httpGet, tcpSocket, grpc or exec"}},
		"readiness of two":     {"{name: a, image: b, readiness: {exec: {command: [x]}, tcpSocket: {port: 1}}}", []string{"spec.components[0].readiness", "httpGet, tcpSocket, grpc or exec"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(t, application("["+tt.component+"]"), client.DryRunAll)
			refused(t, err, tt.want...)
		})
	}
}

func TestUsesRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		components string
		want       []string
	}{
		"missing component": {
			"[{name: a, image: b}, {name: c, image: d, uses: [a, ratings]}]",
			[]string{"spec.components", "a component that this application does not have", "add the component, or correct the name"},
		},
		"25": {"[{name: a, image: b, uses: [" + strings.Repeat("a,", 25) + "]}]", []string{"spec.components[0].uses: Too many: 25: must have at most 24 items"}},
		"name of 41 characters": {
			"[{name: a, image: b, uses: [" + strings.Repeat("c", 41) + "]}]", []string{"spec.components[0].uses[0]", "write a component, such as"},
		},
		"four parts":             {"[{name: a, image: b, uses: [a/b/c/d]}]", []string{"spec.components[0].uses[0]", "write a component, such as"}},
		"a host without a dot":   {"[{name: a, image: b, uses: ['http://legacy']}]", []string{"spec.components[0].uses[0]", "write a component, such as"}},
		"a host with a path":     {"[{name: a, image: b, uses: ['https://api.example/v1']}]", []string{"spec.components[0].uses[0]", "write a component, such as"}},
		"a stream, no port":      {"[{name: a, image: b, uses: ['tcp://db.example']}]", []string{"spec.components[0].uses[0]", "write a component, such as"}},
		"a port above all":       {"[{name: a, image: b, uses: ['tcp://db.example:65536']}]", []string{"spec.components[0].uses[0]", "write a component, such as"}},
		"an unknown protocol":    {"[{name: a, image: b, uses: ['ftp://db.example:21']}]", []string{"spec.components[0].uses[0]", "write a component, such as"}},
		"a star inside the host": {"[{name: a, image: b, uses: ['https://a.*.example']}]", []string{"spec.components[0].uses[0]", "write a component, such as"}},
		"itself":                 {"[{name: a, image: b, uses: [a]}]", []string{"spec.components", "does not name itself in uses"}},
		"twice":                  {"[{name: a, image: b}, {name: c, image: d, uses: [a, a]}]", []string{`spec.components[1].uses[1]: Duplicate value: "a"`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(t, application(tt.components), client.DryRunAll)
			refused(t, err, tt.want...)
		})
	}
}

func TestPortsRefused(t *testing.T) {
	field := "spec.components[0].ports"
	for name, tt := range map[string]struct {
		ports string
		want  []string
	}{
		"0":                  {"ports: [{port: 0}]", []string{field + "[0].port", "greater than or equal to 1"}},
		"70000":              {"ports: [{port: 70000}]", []string{field + "[0].port", "less than or equal to 65535"}},
		"without a number":   {"ports: [{protocol: http}]", []string{field + "[0].port: Required value"}},
		"twice":              {"ports: [{port: 80}, {port: 80, protocol: tcp}]", []string{field + `[1]: Duplicate value: {"port":80}`}},
		"unknown protocol":   {"ports: [{port: 80, protocol: ftp}]", []string{field + "[0].protocol", `supported values: "http", "http2"`}},
		"two of one name":    {"ports: [{port: 80, name: api}, {port: 81, name: api}]", []string{field, "two ports have one name"}},
		"a name in capitals": {"ports: [{port: 80, name: API}]", []string{field + "[0].name", "should match"}},
		"a long name":        {"ports: [{port: 80, name: aaaaaaaaaaaaaaaa}]", []string{field + "[0].name", "may not be more than 15"}},
		"odd appProtocol":    {"ports: [{port: 80, appProtocol: 'a b'}]", []string{field + "[0].appProtocol", "should match"}},
		"one of the sidecar": {"ports: [{port: 80}, {port: 15021}]", []string{field, "15021", "belong to the sidecar"}},
		"17": {
			"ports: [" + strings.Repeat("{port: 80},", 17) + "]", []string{field + ": Too many: 17: must have at most 16 items"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(t, application("[{name: a, image: b, "+tt.ports+"}]"), client.DryRunAll)
			refused(t, err, tt.want...)
		})
	}
}

func TestExposeRefused(t *testing.T) {
	field := "spec.components[0].expose"
	for name, tt := range map[string]struct {
		fields string
		want   []string
	}{
		"without ports": {"expose: {}", []string{field, "needs a port to send requests to", "list one under ports"}},
		"empty ports":   {"ports: [], expose: {}", []string{field, "needs a port to send requests to", "list one under ports"}},
		"a port that is not listed": {
			"ports: [{port: 80}], expose: {port: 81}", []string{field + ".port", "one of the component's ports"},
		},
		"a port said to speak mysql": {
			"ports: [{port: 80}, {port: 81, protocol: mysql}], expose: {port: 81}", []string{field, "http, http2, grpc or grpc-web"},
		},
		"no port that can speak http": {
			"ports: [{port: 80, protocol: tcp}, {port: 443, protocol: https}], expose: {}", []string{field, "http, http2, grpc or grpc-web"},
		},
		"port 0":             {"ports: [{port: 80}], expose: {port: 0}", []string{field + ".port", "greater than or equal to 1"}},
		"port 65536":         {"ports: [{port: 80}], expose: {port: 65536}", []string{field + ".port", "less than or equal to 65535"}},
		"a host with a path": {"ports: [{port: 80}], expose: {hosts: [a.example/x]}", []string{field + ".hosts[0]", "a host name, such as shop.example"}},
		"a host with a port": {"ports: [{port: 80}], expose: {hosts: ['a.example:80']}", []string{field + ".hosts[0]", "a host name, such as shop.example"}},
		"a host in capitals": {"ports: [{port: 80}], expose: {hosts: [A.example]}", []string{field + ".hosts[0]", "a host name, such as shop.example"}},
		"a star inside":      {"ports: [{port: 80}], expose: {hosts: ['a.*.example']}", []string{field + ".hosts[0]", "a host name, such as shop.example"}},
		"an empty host":      {"ports: [{port: 80}], expose: {hosts: ['']}", []string{field + ".hosts[0]", "a host name, such as shop.example"}},
		"a long label":       {"ports: [{port: 80}], expose: {hosts: [" + strings.Repeat("a", 64) + ".example]}", []string{field + ".hosts[0]", "a host name, such as shop.example"}},
		"a host twice":       {"ports: [{port: 80}], expose: {hosts: [a, a]}", []string{field + `.hosts[1]: Duplicate value: "a"`}},
		"17 hosts":           {"ports: [{port: 80}], expose: {hosts: [" + strings.Repeat("a,", 17) + "]}", []string{field + ".hosts: Too many: 17: must have at most 16 items"}},
		"a long host":        {"ports: [{port: 80}], expose: {hosts: [" + strings.Repeat("abcdefg.", 31) + "abcdef]}", []string{field + ".hosts[0]", "may not be more than 253"}},
		"33 paths":           {"ports: [{port: 80}], expose: {paths: [" + strings.Repeat("/,", 33) + "]}", []string{field + ".paths: Too many: 33: must have at most 32 items"}},
		"a path without /":   {"ports: [{port: 80}], expose: {paths: [api]}", []string{field + ".paths[0]", "should match '^/'"}},
		"a path twice":       {"ports: [{port: 80}], expose: {paths: [/a, /a]}", []string{field + `.paths[1]: Duplicate value: "/a"`}},
		"a long path":        {"ports: [{port: 80}], expose: {paths: [/" + strings.Repeat("a", 256) + "]}", []string{field + ".paths[0]", "may not be more than 256"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(t, application("[{name: a, image: b, "+tt.fields+"}]"), client.DryRunAll)
			refused(t, err, tt.want...)
		})
	}
}
