// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestBuildKeepsContentAndConfig(t *testing.T) {
	source := t.TempDir()
	put(t, filepath.Join(source, "tool"), "#!tool", 0o755)
	put(t, filepath.Join(source, "share", "deep", "a.txt"), "a", 0o600)

	img := build(t, Spec{
		Tag:        "weir.local/probe:1",
		Entrypoint: []string{"/bin/tool"},
		Env:        []string{"A=b"},
		User:       "1337",
		Files: []File{
			{Path: "/bin/tool", Source: filepath.Join(source, "tool")},
			{Path: "/usr/share", Source: filepath.Join(source, "share")},
			{Path: "/etc/passwd", Data: []byte("root:x:0:0::/:\n")},
			{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
			{Path: "/var/data", Mode: fs.ModeDir, UID: 1337, GID: 1337},
			{Path: "/sbin/tool", Link: "../bin/tool"},
		},
	})
	if err := validate.Image(img); err != nil {
		t.Fatalf("the archive is not a valid image: %v", err)
	}

	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v1.Config{Entrypoint: []string{"/bin/tool"}, Env: []string{"A=b"}, User: "1337"}, config.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	want := []string{
		"bin/ 755 0", "bin/tool 755 0 #!tool", "etc/ 755 0", "etc/passwd 644 0 root:x:0:0::/:", "sbin/ 755 0",
		"sbin/tool 777 0 -> ../bin/tool", "tmp/ 1777 0", "usr/ 755 0", "usr/share/ 755 0", "usr/share/deep/ 755 0",
		"usr/share/deep/a.txt 600 0 a", "var/ 755 0", "var/data/ 755 1337",
	}
	if diff := cmp.Diff(want, entries(t, img)); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
}

func TestBuildTwiceGivesTheSameBytes(t *testing.T) {
	source := filepath.Join(t.TempDir(), "tool")
	spec := Spec{Tag: "weir.local/probe:1", Files: []File{{Path: "/tool", Source: source}, {Path: "/b", Data: []byte("b")}}}
	var archives [2][]byte
	for i := range archives {
		put(t, source, "same content, other time", 0o755)
		out := filepath.Join(t.TempDir(), "image.tar")
		if err := Build(spec, out); err != nil {
			t.Fatal(err)
		}
		archives[i], _ = os.ReadFile(out)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two builds of the same spec differ")
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		spec Spec
		want string
	}{
		"a tag without version": {Spec{Tag: "weir.local/probe"}, "host/name:version"},
		"a relative path":       {Spec{Tag: "weir.local/probe:1", Files: []File{{Path: "bin/tool"}}}, "must be absolute"},
		"a missing source":      {Spec{Tag: "weir.local/probe:1", Files: []File{{Path: "/a", Source: "/no/such"}}}, "/no/such"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "image.tar")
			err := Build(test.spec, out)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one that says %q", err, test.want)
			}
			if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("an archive was left behind: %v", err)
			}
		})
	}
}

func build(t *testing.T, spec Spec) v1.Image {
	t.Helper()
	out := filepath.Join(t.TempDir(), "images", "image.tar")
	if err := Build(spec, out); err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// entries lists the only layer as "path mode uid content".
func entries(t *testing.T, img v1.Image) []string {
	t.Helper()
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, error %v", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var found []string
	for archive := tar.NewReader(content); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, describe(t, head, archive))
	}
}

func describe(t *testing.T, head *tar.Header, content io.Reader) string {
	t.Helper()
	line := fmt.Sprintf("%s %o %d", head.Name, head.Mode, head.Uid)
	if head.Linkname != "" {
		return line + " -> " + head.Linkname
	}
	body, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line + " " + string(body))
}

func put(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}
