// SPDX-License-Identifier: Apache-2.0

package part

import (
	"fmt"
	"sync"
	"time"
)

// Event tells how far Ensure is. While it works an event comes at least every second, even when nothing has changed
// but the time.
type Event struct {
	// Part is the name of the part at work, or "host" for the packages of this machine.
	Part string
	// Index counts the parts from 1, of Parts in all. Both are zero outside a part.
	Index, Parts int
	// Step says what is being done, as in "compile packages".
	Step string
	// Done of Total things of this step are finished. Total is 0 if it is not known. Packages that Go has in its own
	// cache are never reported as done, so a step may end before Done reaches Total.
	Done, Total int
	// Detail is what is at work right now, such as the package just compiled.
	Detail string
	// Elapsed is the time since Ensure began.
	Elapsed time.Duration
}

// String renders the event as one line of a log.
func (e Event) String() string {
	line := e.Part + ": " + e.Step
	if e.Parts > 0 {
		line = fmt.Sprintf("[%d/%d] %s", e.Index, e.Parts, line)
	}
	if e.Total > 0 {
		line += fmt.Sprintf(" %d/%d", e.Done, e.Total)
	} else if e.Done > 0 {
		line += fmt.Sprintf(" %d", e.Done)
	}
	if e.Detail != "" {
		line += " " + e.Detail
	}
	return line + " (" + e.Elapsed.Round(time.Second).String() + ")"
}

const (
	heartbeat = time.Second
	burst     = 100 * time.Millisecond
)

// reporter hands events on one at a time: not too many while things go fast, and a heartbeat while they go slowly.
type reporter struct {
	mu     sync.Mutex
	to     func(Event)
	last   Event
	sent   time.Time
	start  time.Time
	closed chan struct{}
	done   sync.WaitGroup
}

func newReporter(to func(Event)) *reporter {
	if to == nil {
		to = func(Event) {}
	}
	r := &reporter{to: to, start: time.Now(), closed: make(chan struct{})}
	r.done.Go(r.beat)
	return r
}

// close stops the heartbeat. No event comes after it returns.
func (r *reporter) close() {
	close(r.closed)
	r.done.Wait()
}

// begin starts a part or a step of it; the event always goes out.
func (r *reporter) begin(event Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = event
	r.send()
}

// step begins another step of the part at work.
func (r *reporter) step(step string, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last.Step, r.last.Total, r.last.Done, r.last.Detail = step, total, 0, ""
	r.send()
}

// progress moves the step at work on.
func (r *reporter) progress(done int, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last.Done, r.last.Detail = done, detail
	if time.Since(r.sent) >= burst {
		r.send()
	}
}

func (r *reporter) beat() {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-r.closed:
			return
		case <-ticker.C:
			r.mu.Lock()
			if r.last.Step != "" && time.Since(r.sent) >= heartbeat/2 {
				r.send()
			}
			r.mu.Unlock()
		}
	}
}

func (r *reporter) send() {
	r.sent = time.Now()
	r.last.Elapsed = r.sent.Sub(r.start)
	r.to(r.last)
}
