// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"debug/elf"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPauseIsBuiltFromTheArchive builds the smallest part for real, as all others are built: it needs no module.
func TestPauseIsBuiltFromTheArchive(t *testing.T) {
	t.Setenv("GOFLAGS", "-nonsense")
	var seen []string
	set, err := Ensure(t.Context(), Options{
		CacheDir: t.TempDir(), Only: []string{"pause"}, Progress: func(e Event) { seen = append(seen, e.String()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.Open(set.Binary("pause"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if libraries, _ := program.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("pause is not static: it needs %v", libraries)
	}
	if all := strings.Join(seen, "\n"); !strings.Contains(all, "[1/1] pause: compile packages 0/") {
		t.Errorf("no progress of the compiler:\n%s", all)
	}
	stopsWhenTold(t, set.Binary("pause"))
}

func stopsWhenTold(t *testing.T, program string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	pause := exec.CommandContext(ctx, program)
	if err := pause.Start(); err != nil {
		t.Fatal(err)
	}
	pause.Process.Signal(syscall.SIGCHLD) // it may only be ignored
	if err := pause.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	pause.Wait() // a signal before its handler is set ends it as well
	if ctx.Err() != nil {
		t.Error("pause did not stop when told")
	}
}
