// SPDX-License-Identifier: Apache-2.0

//go:build api

package api_test

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func TestComposingRefused(t *testing.T) {
	at := "spec.components[0]"
	for name, tt := range map[string]struct {
		fields string
		want   []string
	}{
		"unknown kind":              {"kind: DaemonSet", []string{at + ".kind", `supported values: "Deployment", "StatefulSet", "Job", "CronJob"`}},
		"claims of a Deployment":    {"claims: [{name: a, path: /a, size: 1Gi}]", []string{at + ".claims", "only a component of kind StatefulSet"}},
		"claim without a size":      {"kind: StatefulSet, claims: [{name: a, path: /a}]", []string{at + ".claims[0].size: Required value"}},
		"claim of a size in words":  {"kind: StatefulSet, claims: [{name: a, path: /a, size: big}]", []string{at + ".claims[0].size", "should match"}},
		"strategy of a StatefulSet": {"kind: StatefulSet, strategy: s", []string{at + ".strategy", "only versions of a Deployment"}},
		"CronJob, no schedule":      {"kind: CronJob", []string{at + ".schedule", "0 3 * * *"}},
		"schedule of a Job":         {"kind: Job, schedule: '* * * * *'", []string{at + ".schedule", "nothing else has one"}},
		"ports of a job":            {"kind: Job, ports: [{port: 80}]", []string{at + ".kind", "a job answers no requests"}},
		"external StatefulSet":      {"kind: StatefulSet, external: true", []string{at + ".external", "external workloads are Deployments"}},
		"external, no version":      {"external: true", []string{at + ".version", "an external component names the version"}},
		"external, version of dots": {"external: true, version: '1.2'", []string{at + ".version", "lower case letters, digits and dashes"}},
		"liveness of nothing":       {"liveness: {periodSeconds: 1}", []string{at + ".liveness", "httpGet, tcpSocket, grpc or exec"}},
		"startup of two":            {"startup: {exec: {command: [x]}, tcpSocket: {port: 1}}", []string{at + ".startup", "httpGet, tcpSocket, grpc or exec"}},
		"init without a name":       {"init: [{image: b}]", []string{at + ".init[0].name: Required value"}},
		"init twice":                {"init: [{name: a}, {name: a}]", []string{at + `.init[1]: Duplicate value: {"name":"a"}`}},
		"pull secret twice":         {"pullSecrets: [a, a]", []string{at + `.pullSecrets[1]: Duplicate value: "a"`}},
		"template, label of ours":   {"template: {labels: {version: v2}}", []string{at + ".template.labels", "labels that Weir sets"}},
		"template, label of weir.dev": {
			"template: {labels: {weir.dev/component: b}}", []string{at + ".template.labels", "labels that Weir sets"},
		},
		"template, annotation of injection": {
			"template: {annotations: {sidecar.istio.io/inject: 'true'}}", []string{at + ".template.annotations", "said by mesh"},
		},
		"template, unknown field": {"template: {containers: []}", []string{`unknown field "` + at + `.template.containers"`}},
		"template, spec as text":  {"template: {spec: x}", []string{at + ".template.spec", "must be of type object"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(t, application("[{name: a, image: b, "+tt.fields+"}]"), client.DryRunAll)
			refused(t, err, tt.want...)
		})
	}
}

// TestComposingKept holds what cannot change once it runs.
func TestComposingKept(t *testing.T) {
	before := "[{name: a, image: b, kind: StatefulSet, claims: [{name: c, path: /c, size: 1Gi}]}, {name: d, image: e, kind: StatefulSet}, {name: f, image: g}]"
	for name, tt := range map[string]struct {
		old, changed string
		want         []string
	}{
		"kind":         {"kind: StatefulSet}, {", "kind: Deployment}, {", []string{".kind", "add a component of another name"}},
		"size":         {"1Gi", "2Gi", []string{".claims", "claims stay as they are"}},
		"no claims":    {", claims: [{name: c, path: /c, size: 1Gi}]", "", []string{".claims", "claims stay as they are"}},
		"claims added": {"kind: StatefulSet}, {", "kind: StatefulSet, claims: [{name: c, path: /c, size: 1Gi}]}, {", []string{".claims", "claims stay as they are"}},
		"whose it is":  {"name: f, image: g", "name: f, external: true, version: v1", []string{".external", "whose the workloads are stays"}},
		"nothing":      {"image: e", "image: f", nil},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := create(t, application(before))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Delete(t.Context(), o) })
			changed := parse(t, application(strings.Replace(before, tt.old, tt.changed, 1)))
			o.Object["spec"] = changed.Object["spec"]
			if err := server.Update(t.Context(), o); len(tt.want) > 0 {
				refused(t, err, tt.want...)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestComposedAccepted holds that what the planner's example of composing shows is an Application as the API takes it.
func TestComposedAccepted(t *testing.T) {
	text, err := os.ReadFile("../../internal/plan/testdata/composed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var example struct{ Application map[string]any }
	if err := yaml.Unmarshal(text, &example); err != nil {
		t.Fatal(err)
	}
	example.Application["apiVersion"], example.Application["kind"] = "weir.dev/v1alpha1", "Application"
	written, err := yaml.Marshal(example.Application)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := create(t, string(written), client.DryRunAll); err != nil {
		t.Error(err)
	}
}
