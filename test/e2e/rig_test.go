// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/cluster/enclave"
	"weir.dev/weir/cluster/image"
	"weir.dev/weir/cluster/manifest"
	netns "weir.dev/weir/cluster/network"
)

// echoImage is what applications of tests are made of.
const echoImage = "weir.local/echo:1"

// buildEcho makes an archive of the image of test/e2e/echo.
func buildEcho(t *testing.T) string {
	t.Helper()
	binary, archive := filepath.Join(t.TempDir(), "echo"), filepath.Join(t.TempDir(), "echo.tar")
	build(t, binary, "./echo")
	spec := image.Spec{
		Tag: echoImage, Entrypoint: []string{"/echo"}, User: "1000",
		Files: []image.File{{Path: "/echo", Source: binary, Mode: 0o755}},
	}
	if err := image.Build(spec, archive); err != nil {
		t.Fatal(err)
	}
	return archive
}

// inside dials as the cluster's own node does.
func (s *shop) inside(t *testing.T) netns.Dial {
	t.Helper()
	e, err := enclave.New(demoName, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return netns.Dialer(e.Inside)
}

// apply applies YAML as kubectl does.
func (s *shop) apply(t *testing.T, text []byte) error {
	t.Helper()
	objects, err := manifest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := manifest.Dial(s.info.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return c.Apply(ctx, objects)
}

// applyFile applies a file of testdata.
func (s *shop) applyFile(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = s.apply(t, text)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *shop) app(t *testing.T, namespace, name string) *api.Application {
	t.Helper()
	var app api.Application
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &app); err != nil {
		t.Fatal(err)
	}
	return &app
}

// edit changes a component, as a user with an editor does.
func (s *shop) edit(t *testing.T, namespace, name string, change func(*api.ApplicationSpec)) error {
	t.Helper()
	app := s.app(t, namespace, name)
	before := app.DeepCopy()
	change(&app.Spec)
	return s.client.Patch(t.Context(), app, client.MergeFrom(before))
}

// ready waits until the controller says of the newest edit that all is ready.
func (s *shop) ready(t *testing.T, namespace, name string) {
	t.Helper()
	eventually(t, func() string {
		app := s.app(t, namespace, name)
		c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionReady)
		if c == nil || c.Status != metav1.ConditionTrue || app.Status.ObservedGeneration != app.Generation {
			return "application " + name + " is not ready: " + saying(app, api.ConditionReady)
		}
		return ""
	})
}

// saying is the message of a condition.
func saying(app *api.Application, kind string) string {
	if c := apimeta.FindStatusCondition(app.Status.Conditions, kind); c != nil {
		return c.Message
	}
	return ""
}

// try runs weir, and returns what it printed and its exit code.
func (s *shop) try(t *testing.T, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(s.bin, "weir"), append(args, "--kubeconfig", s.info.Kubeconfig)...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), command.ProcessState.ExitCode()
}

// remove deletes the applications of a namespace, and does not wait for their end.
func (s *shop) remove(t *testing.T, namespace string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.client.DeleteAllOf(ctx, &api.Application{}, client.InNamespace(namespace)); err != nil {
		t.Error(err)
	}
}
