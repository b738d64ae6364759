// SPDX-License-Identifier: Apache-2.0

// Package step runs a list of named steps, each as soon as the steps it needs are done, and reports on all of them.
package step

import (
	"context"
	"fmt"
	"time"
)

// Step is one piece of work in a list.
type Step struct {
	// Name is shown to the user and is what other steps need.
	Name string
	// Needs names the steps that must have succeeded before this one starts.
	Needs []string
	// Run does the work. Calling note replaces the short text shown beside the running step. It may be called from
	// any goroutine until Run returns.
	Run func(ctx context.Context, note func(string)) error
}

// Watcher is told what happens. Calls come from one goroutine at a time.
type Watcher interface {
	Started(name string)
	Noted(name, text string)
	Ended(name string, took time.Duration, err error)
}

// Error says which step failed.
type Error struct {
	Step string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Step, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

type event struct {
	step int
	note string
	took time.Duration
	err  error
	kind int
}

const (
	noted = iota
	ended
)

// Run runs the steps as parallel as their needs allow. The first failure cancels the context of the steps that run and
// no further step starts; Run returns that failure, as *Error, once the running ones have returned.
func Run(ctx context.Context, steps []Step, watcher Watcher) error {
	if err := Check(steps); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	run := runner{steps: steps, watcher: watcher, events: make(chan event), done: map[string]bool{}}
	run.started = make([]bool, len(steps))
	run.startReady(ctx)
	for run.running > 0 {
		run.take(ctx, cancel, <-run.events)
	}
	if run.failure == nil {
		return ctx.Err()
	}
	return run.failure
}

type runner struct {
	steps   []Step
	watcher Watcher
	events  chan event
	started []bool
	done    map[string]bool
	running int
	failure error
}

func (r *runner) startReady(ctx context.Context) {
	for i, s := range r.steps {
		if r.started[i] || !r.ready(s) || ctx.Err() != nil {
			continue
		}
		r.started[i] = true
		r.running++
		r.watcher.Started(s.Name)
		go r.run(ctx, i)
	}
}

func (r *runner) ready(s Step) bool {
	for _, need := range s.Needs {
		if !r.done[need] {
			return false
		}
	}
	return true
}

func (r *runner) run(ctx context.Context, i int) {
	begin := time.Now()
	err := r.steps[i].Run(ctx, func(text string) { r.events <- event{step: i, kind: noted, note: text} })
	r.events <- event{step: i, kind: ended, took: time.Since(begin), err: err}
}

func (r *runner) take(ctx context.Context, cancel func(), e event) {
	name := r.steps[e.step].Name
	if e.kind == noted {
		r.watcher.Noted(name, e.note)
		return
	}
	r.running--
	r.watcher.Ended(name, e.took, e.err)
	if e.err == nil {
		r.done[name] = true
		r.startReady(ctx)
		return
	}
	if r.failure == nil {
		r.failure = &Error{Step: name, Err: e.err}
	}
	cancel()
}
