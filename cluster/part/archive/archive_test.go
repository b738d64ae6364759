// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

func TestUnpackUndoesPack(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "b", "c"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{"a": "first\n", "b/c/d": "second\n"} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := Pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := Unpack(packed, copied); err != nil {
		t.Fatal(err)
	}
	again, err := Pack(copied)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(packed), string(again)); diff != "" {
		t.Errorf("archive (-first +second):\n%s", diff)
	}
}

func TestUnpackStaysInTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "inner")
	packed := txtar.Format(&txtar.Archive{Files: []txtar.File{{Name: "../outer", Data: []byte("x\n")}}})
	if err := Unpack(packed, dir); err == nil {
		t.Error("a path that leads out of the folder was taken")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "outer")); err == nil {
		t.Error("a file was written outside the folder")
	}
}

func TestFilesTakesWholePathElements(t *testing.T) {
	packed := txtar.Format(&txtar.Archive{Files: []txtar.File{{Name: "a/x"}, {Name: "ab/y"}, {Name: "a"}, {Name: "c"}}})
	got := map[string]bool{}
	for name := range Files(packed, "a") {
		got[name] = true
	}
	if diff := cmp.Diff(map[string]bool{"a/x": true, "a": true}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
