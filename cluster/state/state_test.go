// SPDX-License-Identifier: Apache-2.0

package state

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOf(t *testing.T) {
	for _, name := range []string{"", "-a", "a-", "A", "a/b", "..", strings.Repeat("a", 21)} {
		if dir, err := Of("/var/lib/weir", name); err == nil {
			t.Errorf("name %q was taken as %s", name, dir)
		}
	}
	if _, err := Of("/"+strings.Repeat("a", 80), "a"); err == nil {
		t.Error("a folder too long for sockets was taken")
	}
	dir, err := Of("/var/lib/weir", "my-1")
	if err != nil || dir != "/var/lib/weir/my-1" {
		t.Errorf("got %s, %v", dir, err)
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := Dir(t.TempDir() + "/one")
	if _, err := dir.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	want := Config{Name: "one", APIPort: 1, Parts: "/parts"}
	if err := dir.Save(want); err != nil {
		t.Fatal(err)
	}
	got, err := dir.Load()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	dir := Dir(t.TempDir() + "/one")
	unlock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Lock(); err == nil || !strings.Contains(err.Error(), "cluster one") {
		t.Errorf("got %v", err)
	}
	unlock()
	again, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	again()
}
