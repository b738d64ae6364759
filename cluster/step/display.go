// SPDX-License-Identifier: Apache-2.0

package step

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Display shows steps to a person: one line a finished step, and below them, on a terminal, one line for each that
// runs. Without a terminal a step that takes long is mentioned every few seconds instead.
type Display struct {
	out  io.Writer
	live bool

	mu      sync.Mutex
	rows    []*row
	drawn   int
	stopped chan struct{}
}

type row struct {
	name, note string
	begin      time.Time
	mentioned  time.Time
}

const (
	redrawEvery  = 100 * time.Millisecond
	mentionEvery = 5 * time.Second
)

// NewDisplay begins a display on out; live says that out is a terminal. Call Close when the steps are done.
func NewDisplay(out io.Writer, live bool) *Display {
	d := &Display{out: out, live: live, stopped: make(chan struct{})}
	go d.tick()
	return d
}

// Close ends the display and leaves the finished lines standing.
func (d *Display) Close() {
	close(d.stopped)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
}

func (d *Display) tick() {
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-d.stopped:
			return
		case now := <-ticker.C:
			d.mu.Lock()
			d.refresh(now)
			d.mu.Unlock()
		}
	}
}

func (d *Display) refresh(now time.Time) {
	if d.live {
		d.erase()
		d.draw(now)
		return
	}
	for _, r := range d.rows {
		if now.Sub(r.mentioned) >= mentionEvery {
			r.mentioned = now
			fmt.Fprintf(d.out, "  … %s\n", r.text(now))
		}
	}
}

// Started implements Watcher.
func (d *Display) Started(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.rows = append(d.rows, &row{name: name, begin: now, mentioned: now})
}

// Noted implements Watcher.
func (d *Display) Noted(name, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.rows {
		if r.name == name {
			r.note = text
		}
	}
}

// Ended implements Watcher.
func (d *Display) Ended(name string, took time.Duration, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	for i, r := range d.rows {
		if r.name == name {
			d.rows = append(d.rows[:i], d.rows[i+1:]...)
			mark, note := "✓", r.note
			if err != nil {
				mark, note = "✗", "failed"
			}
			fmt.Fprintf(d.out, "  %s %s\n", mark, line(name, note, took))
			break
		}
	}
	if d.live {
		d.draw(time.Now())
	}
}

func (d *Display) erase() {
	if d.drawn > 0 {
		fmt.Fprintf(d.out, "\x1b[%dA\x1b[J", d.drawn)
		d.drawn = 0
	}
}

func (d *Display) draw(now time.Time) {
	for _, r := range d.rows {
		fmt.Fprintf(d.out, "  \x1b[2m• %s\x1b[0m\n", clip(r.text(now), 78))
	}
	d.drawn = len(d.rows)
}

func (r *row) text(now time.Time) string { return line(r.name, r.note, now.Sub(r.begin)) }

func line(name, note string, took time.Duration) string {
	return strings.TrimRight(fmt.Sprintf("%-34s %6.2fs  %s", name, took.Seconds(), note), " ")
}

// clip keeps a live line on one row of the terminal, else erasing would miss its second row.
func clip(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
