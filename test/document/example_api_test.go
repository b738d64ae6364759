// SPDX-License-Identifier: Apache-2.0

//go:build api

package document

import (
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"weir.dev/weir/test/apiserver"
)

var example = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestExamplesAreAccepted gives every Kubernetes object that the documents show to a real API server.
func TestExamplesAreAccepted(t *testing.T) {
	config, stop, err := apiserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	api, err := client.NewWithWatch(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	strict := client.WithFieldValidation(api, "Strict")
	seen := 0
	for page, text := range pages(t) {
		for _, match := range example.FindAllStringSubmatch(text, -1) {
			for document := range strings.SplitSeq(match[1], "\n---\n") {
				object := &unstructured.Unstructured{}
				if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
					t.Errorf("%s: %v in\n%s", page, err, document)
					continue
				}
				if object.GetAPIVersion() == "" {
					continue
				}
				object.SetNamespace("default")
				if err := strict.Create(t.Context(), object, client.DryRunAll); err != nil {
					t.Errorf("%s: %v", page, err)
				}
				seen++
			}
		}
	}
	if seen == 0 {
		t.Error("the documents show no object")
	}
}
