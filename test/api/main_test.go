// SPDX-License-Identifier: Apache-2.0

//go:build api

// Package api_test holds Weir's kinds, and what is made of them, against a real API server with Istio's kinds.
package api_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	istio "istio.io/client-go/pkg/apis/networking/v1"
	istiosec "istio.io/client-go/pkg/apis/security/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/test/apiserver"
)

const namespace = "shop"

// server is the client of the API server that all tests share. They create nothing for good unless they say so.
var server client.Client

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	config, stop, err := apiserver.Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the API server:", err)
		}
	}()
	if err := connect(config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func connect(config *rest.Config) (err error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, istio.AddToScheme, istiosec.AddToScheme, api.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	if server, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	ns := &corev1.Namespace{}
	ns.Name = namespace
	return server.Create(context.Background(), ns)
}

// create does what kubectl create does: nothing that the schema does not know passes.
func create(t *testing.T, text string, options ...client.CreateOption) (*unstructured.Unstructured, error) {
	t.Helper()
	o := parse(t, text)
	options = append(options, client.FieldValidation("Strict"))
	return o, server.Create(t.Context(), o, options...)
}

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	o.SetNamespace(namespace)
	if o.GetName() == "" {
		o.SetGenerateName("test-")
	}
	return o
}

// refused checks that the error names the field and what would be right.
func refused(t *testing.T, err error, wants ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got  %s\nwant %s", err, want)
		}
	}
}
