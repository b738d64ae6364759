// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"weir.dev/weir/internal/image"
)

const reference = "registry.example/shop/front:v1"

func made(t *testing.T, user string, ports ...string) v1.Image {
	t.Helper()
	config := v1.Config{User: user, ExposedPorts: map[string]struct{}{}}
	for _, p := range ports {
		config.ExposedPorts[p] = struct{}{}
	}
	i, err := mutate.Config(empty.Image, config)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func archive(t *testing.T, i v1.Image) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "front.tar")
	tag, err := name.NewTag(reference)
	if err == nil {
		err = tarball.WriteToFile(path, tag, i)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadLocal(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "front")
	path, err := layout.Write(folder, empty.Index)
	if err == nil {
		err = path.AppendImage(made(t, "", "9080"), layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": reference}))
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		source image.Source
		want   image.Said
		fault  string
	}{
		"an archive": {
			image.Source{Local: []string{archive(t, made(t, "1337", "8080/tcp", "53/udp", "9/sctp", "7000-7002/tcp"))}},
			image.Said{User: "1337", Ports: []image.Port{{Number: 53, UDP: true}, {Number: 8080}}}, "",
		},
		"a folder":               {image.Source{Local: []string{folder}}, image.Said{Ports: []image.Port{{Number: 9080}}}, ""},
		"says nothing":           {image.Source{Local: []string{archive(t, made(t, ""))}}, image.Said{}, ""},
		"not there, and offline": {image.Source{Offline: true}, image.Said{}, "no registry is to be asked"},
		"no such file":           {image.Source{Local: []string{"nowhere.tar"}}, image.Said{}, "images in nowhere.tar"},
		"no archive":             {image.Source{Local: []string{"image_test.go"}}, image.Said{}, "docker save"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.source.Read(t.Context(), reference)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("error %v, want %q in it", err, tt.fault)
			}
		})
	}
}

func TestReadRegistry(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir()) // no accounts
	server := httptest.NewServer(registry.New())
	defer server.Close()
	here := strings.TrimPrefix(server.URL, "http://") + "/front:v1"
	ref, err := name.ParseReference(here)
	if err == nil {
		err = remote.Write(ref, made(t, "65532:65532", "8080/tcp"))
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := image.Source{}.Read(t.Context(), here)
	if diff := cmp.Diff(image.Said{User: "65532:65532", Ports: []image.Port{{Number: 8080}}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := (image.Source{}).Read(t.Context(), here+"2"); err == nil {
		t.Error("an image that is not there was read")
	}
}
