// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// workshop makes fake parts and remembers in which order.
type workshop struct {
	made []string
	// broken parts fail.
	broken map[string]error
}

func (w *workshop) recipe(name, version string, needs ...string) recipe {
	return recipe{Part: Part{Name: name, Version: version}, needs: needs, make: func(_ context.Context, j *job) error {
		w.made = append(w.made, name)
		fmt.Fprintln(j.log, "working on", name)
		content := version
		for _, need := range needs {
			below, err := os.ReadFile(filepath.Join(j.needs[need], "bin", need))
			if err != nil {
				return err
			}
			content += "+" + string(below)
		}
		if err := os.Mkdir(filepath.Join(j.dir, "bin"), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(j.dir, "bin", name), []byte(content), 0o755); err != nil {
			return err
		}
		return w.broken[name]
	}}
}

func (w *workshop) take() []string {
	made := w.made
	w.made = nil
	return made
}

func TestEnsureMakesEachPartOnce(t *testing.T) {
	w := &workshop{}
	all := []recipe{w.recipe("a", "1"), w.recipe("b", "1", "a")}
	options := Options{CacheDir: t.TempDir()}
	first := mustEnsure(t, all, options)
	again := mustEnsure(t, all, options)
	if first != again {
		t.Errorf("the set moved from %s to %s", first.Dir, again.Dir)
	}
	if diff := cmp.Diff([]string{"a", "b"}, w.take()); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	if got := read(t, first.Binary("b")); got != "1+1" {
		t.Errorf("b holds %q", got)
	}
}

func TestEnsureRemakesOnlyWhatHasChanged(t *testing.T) {
	for name, test := range map[string]struct {
		all  func(*workshop) []recipe
		want []string
	}{
		"a new version of a part that others need": {
			func(w *workshop) []recipe {
				return []recipe{w.recipe("a", "2"), w.recipe("b", "1", "a"), w.recipe("c", "1")}
			},
			[]string{"a", "b"},
		},
		"a new version of a part that none needs": {
			func(w *workshop) []recipe {
				return []recipe{w.recipe("a", "1"), w.recipe("b", "1", "a"), w.recipe("c", "2")}
			},
			[]string{"c"},
		},
		"another input": {
			func(w *workshop) []recipe {
				b := w.recipe("b", "1", "a")
				b.inputs = []string{"flag"}
				return []recipe{w.recipe("a", "1"), b, w.recipe("c", "1")}
			},
			[]string{"b"},
		},
		"another package on the machine": {
			func(w *workshop) []recipe {
				c := w.recipe("c", "1")
				c.host = func() ([]string, error) { return []string{"iptables 2"}, nil }
				return []recipe{w.recipe("a", "1"), w.recipe("b", "1", "a"), c}
			},
			[]string{"c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &workshop{}
			options := Options{CacheDir: t.TempDir()}
			before := mustEnsure(t, []recipe{w.recipe("a", "1"), w.recipe("b", "1", "a"), w.recipe("c", "1")}, options)
			w.take()
			after := mustEnsure(t, test.all(w), options)
			if diff := cmp.Diff(test.want, w.take()); diff != "" {
				t.Errorf("made (-want +got):\n%s", diff)
			}
			if before == after {
				t.Error("the changed set has the folder of the old one")
			}
		})
	}
}

func TestEnsureGoesOnAfterAFailure(t *testing.T) {
	reason := errors.New("out of luck")
	w := &workshop{broken: map[string]error{"b": reason}}
	all := []recipe{w.recipe("a", "1"), w.recipe("b", "1", "a"), w.recipe("c", "1")}
	options := Options{CacheDir: t.TempDir()}

	set, err := ensure(t.Context(), all, options)
	var failed *Error
	if !errors.As(err, &failed) || failed.Part != "b" || !errors.Is(err, reason) {
		t.Fatalf("got set %v and error %v, want one of part b", set, err)
	}
	if got := read(t, failed.Log); got != "working on b\n" {
		t.Errorf("the log holds %q", got)
	}
	if drafts, _ := filepath.Glob(filepath.Join(options.CacheDir, "*", "*.draft")); len(drafts) > 0 {
		t.Errorf("left behind: %v", drafts)
	}

	w.broken = nil
	w.take()
	mustEnsure(t, all, options)
	if diff := cmp.Diff([]string{"b", "c"}, w.take()); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
}

func TestEnsureSweepsAwayWhatAnInterruptionLeft(t *testing.T) {
	w := &workshop{}
	all := []recipe{w.recipe("a", "1")}
	options := Options{CacheDir: t.TempDir()}
	laid, err := lay(all, options.CacheDir)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(laid.parts["a"]+".draft", "bin")
	if err := os.MkdirAll(half, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "half"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if set := mustEnsure(t, all, options); exists(set.Binary("half")) {
		t.Error("the half made file is in the set")
	}
}

func TestEnsureStopsWhenCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	blocked := recipe{Part: Part{Name: "a"}, make: func(ctx context.Context, _ *job) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}}
	_, err := ensure(ctx, []recipe{blocked}, Options{CacheDir: t.TempDir()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancel", err)
	}
}

func TestEnsureChoosesPartsWithTheirNeeds(t *testing.T) {
	w := &workshop{}
	all := []recipe{w.recipe("a", "1"), w.recipe("b", "1", "a"), w.recipe("c", "1")}
	mustEnsure(t, all, Options{CacheDir: t.TempDir(), Only: []string{"b"}})
	if diff := cmp.Diff([]string{"a", "b"}, w.take()); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	if _, err := ensure(t.Context(), all, Options{CacheDir: t.TempDir(), Only: []string{"z"}}); err == nil ||
		!strings.Contains(err.Error(), "no such part: z") {
		t.Errorf("an unknown part gives %v", err)
	}
}

func TestLockIsForOneAtATime(t *testing.T) {
	cache := t.TempDir()
	report := newReporter(nil)
	defer report.close()
	unlock, err := lock(t.Context(), cache, report)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 2*lockPoll)
	defer cancel()
	if _, err := lock(short, cache, report); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the second lock gives %v, want a wait", err)
	}
	unlock()
	long, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again, err := lock(long, cache, report)
	if err != nil {
		t.Fatalf("the lock is not free after unlock: %v", err)
	}
	again()
}

func mustEnsure(t *testing.T, all []recipe, options Options) Set {
	t.Helper()
	set, err := ensure(t.Context(), all, options)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
