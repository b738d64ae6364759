// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func shell(t *testing.T, script string) Spec {
	t.Helper()
	return Spec{Name: "child", Path: "/bin/sh", Args: []string{"-c", script}, Dir: t.TempDir()}
}

func start(t *testing.T, spec Spec) *Process {
	t.Helper()
	p, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop(context.Background(), time.Second) })
	return p
}

func exists(path string) func(context.Context) error {
	return func(context.Context) error { _, err := os.Stat(path); return err }
}

func TestAProcessIsFoundByALaterCommand(t *testing.T) {
	spec := shell(t, "exec sleep 60")
	p := start(t, spec)
	found, running := Find(spec.Dir, "child")
	if !running || found.PID != p.PID {
		t.Fatalf("found %v, %t; want pid %d", found, running, p.PID)
	}
	if err := found.Stop(t.Context(), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	limit, cancel := context.WithTimeout(t.Context(), killed)
	defer cancel()
	p.awaitEnd(limit) // who started it learns of it a little later
	if _, running := Find(spec.Dir, "child"); running || p.Alive() {
		t.Error("still there after Stop")
	}
}

func TestAStrangerWithTheSamePidIsNotOurs(t *testing.T) {
	spec := shell(t, "exec sleep 60")
	p := start(t, spec)
	forged, _ := json.Marshal(record{PID: p.PID, Birth: "1", Boot: bootID()})
	if err := os.WriteFile(pidFile(spec.Dir, "child"), forged, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, running := Find(spec.Dir, "child"); running {
		t.Error("a process of another birth was taken for ours")
	}
}

func TestAwait(t *testing.T) {
	t.Run("ready", func(t *testing.T) {
		ready := filepath.Join(t.TempDir(), "ready")
		p := start(t, shell(t, "touch "+ready+"; exec sleep 60"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := p.Await(ctx, exists(ready)); err != nil {
			t.Error(err)
		}
	})
	t.Run("dies", func(t *testing.T) {
		p := start(t, shell(t, "echo no such disk >&2; exit 3"))
		err := p.Await(t.Context(), exists("/nowhere"))
		var exit *ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("got %v, want an ExitError", err)
		}
		for _, want := range []string{"child ended at its start with exit status 3", "no such disk", exit.Log} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %q", want, err)
			}
		}
	})
	t.Run("never ready", func(t *testing.T) {
		p := start(t, shell(t, "exec sleep 60"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := p.Await(ctx, exists("/nowhere"))
		if err == nil || !strings.Contains(err.Error(), "not ready in time") || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}

func TestEnsure(t *testing.T) {
	spec := shell(t, "exec sleep 60")
	first := start(t, spec)
	same, started, err := Ensure(t.Context(), spec)
	if err != nil || started || same.PID != first.PID {
		t.Fatalf("an equal spec gave %v, started %t, %v; want pid %d untouched", same, started, err, first.PID)
	}
	spec.Args = []string{"-c", "exec sleep 61"}
	other, started, err := Ensure(t.Context(), spec)
	if err != nil || !started || first.Alive() {
		t.Fatalf("a changed spec: started %t, %v, old one alive %t", started, err, first.Alive())
	}
	if err := other.Stop(t.Context(), time.Second); err != nil {
		t.Error(err)
	}
}

func TestStopKillsWhatIgnoresTheRequest(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	p := start(t, shell(t, "trap '' TERM; touch "+ready+"; while :; do sleep 0.1; done"))
	if err := p.Await(t.Context(), exists(ready)); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context(), 100*time.Millisecond); err != nil {
		t.Error(err)
	}
}

func TestRunReturnsWhatWasPrinted(t *testing.T) {
	output, err := Run(t.Context(), shell(t, "echo out; echo err >&2; exit 4"))
	if err == nil || err.Error() != "exit status 4" || output != "out\nerr\n" {
		t.Errorf("got %q, %v", output, err)
	}
}
