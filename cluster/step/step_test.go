// SPDX-License-Identifier: Apache-2.0

package step

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *record) Started(name string)     { r.add("start " + name) }
func (r *record) Noted(name, text string) { r.add("note " + name + " " + text) }
func (r *record) Ended(name string, _ time.Duration, err error) {
	if err != nil {
		r.add("fail " + name)
		return
	}
	r.add("end " + name)
}

func nothing(context.Context, func(string)) error { return nil }

func TestRunKeepsTheOrderOfNeeds(t *testing.T) {
	steps := []Step{
		{Name: "roof", Needs: []string{"walls"}, Run: nothing},
		{Name: "walls", Needs: []string{"floor"}, Run: nothing},
		{Name: "floor", Run: func(_ context.Context, note func(string)) error { note("concrete"); return nil }},
	}
	var seen record
	if err := Run(t.Context(), steps, &seen); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"start floor", "note floor concrete", "end floor", "start walls", "end walls", "start roof", "end roof",
	}
	if diff := cmp.Diff(want, seen.lines); diff != "" {
		t.Error(diff)
	}
}

func TestRunLetsIndependentStepsMeet(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	meet := make(chan bool)
	steps := []Step{
		{Name: "a", Run: func(ctx context.Context, _ func(string)) error {
			select {
			case meet <- true:
				return nil
			case <-ctx.Done():
				return errors.New("b never ran beside a")
			}
		}},
		{Name: "b", Run: func(ctx context.Context, _ func(string)) error {
			select {
			case <-meet:
				return nil
			case <-ctx.Done():
				return errors.New("a never ran beside b")
			}
		}},
	}
	if err := Run(ctx, steps, &record{}); err != nil {
		t.Error(err)
	}
}

func TestRunStopsAtTheFirstFailure(t *testing.T) {
	broken := errors.New("broken")
	steps := []Step{
		{Name: "slow", Run: func(ctx context.Context, _ func(string)) error { <-ctx.Done(); return ctx.Err() }},
		{Name: "bad", Run: func(context.Context, func(string)) error { return broken }},
		{Name: "after", Needs: []string{"bad"}, Run: nothing},
	}
	var seen record
	err := Run(t.Context(), steps, &seen)
	var failure *Error
	if !errors.As(err, &failure) || failure.Step != "bad" || !errors.Is(err, broken) {
		t.Errorf("got %v, want the failure of step bad", err)
	}
	want := []string{"start slow", "start bad", "fail bad", "fail slow"}
	if diff := cmp.Diff(want, seen.lines); diff != "" {
		t.Error(diff)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name  string
		steps []Step
		want  string
	}{
		{"fine", []Step{{Name: "a"}, {Name: "b", Needs: []string{"a"}}}, ""},
		{"twice", []Step{{Name: "a"}, {Name: "a"}}, `two steps are named "a"`},
		{"unknown need", []Step{{Name: "a", Needs: []string{"x"}}}, `needs "x"`},
		{"circle", []Step{{Name: "a", Needs: []string{"b"}}, {Name: "b", Needs: []string{"a"}}}, "needs itself"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Check(test.steps)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestDisplayWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	display := NewDisplay(&out, false)
	display.Started("etcd")
	display.Noted("etcd", "3.7.0")
	display.Ended("etcd", 310*time.Millisecond, nil)
	display.Started("kubelet")
	display.Ended("kubelet", time.Second, errors.New("died"))
	display.Close()
	want := "  ✓ etcd                                 0.31s  3.7.0\n" +
		"  ✗ kubelet                              1.00s  failed\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
