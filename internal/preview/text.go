// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// marks of the actions, as diffs have them.
var marks = map[string]string{"create": "+", "change": "~", "delete": "-"}

// Text writes the preview for people; with diffs, what each moment writes, line by line.
func (p Preview) Text(w io.Writer, diffs bool) error {
	t := &text{diffs: diffs}
	t.line("Application %s in namespace %s: %s; %s", p.Application, p.Namespace, p.begin(), podWords(p.PodsNow, p.PodsAtMost))
	for _, fault := range p.Faults {
		t.line("✗ %s", fault)
	}
	for _, conflict := range p.Conflicts {
		t.line("✗ conflict, for which the release would wait: %s", conflict)
	}
	for _, note := range p.Notes {
		t.line("! %s", note)
	}
	if len(p.Changes) > 0 {
		t.line("")
		t.line("At once")
		t.changes("  ", p.Changes)
	}
	for _, r := range p.Releases {
		t.release(r)
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}

// Changes writes changes for people; with diffs, line by line.
func Changes(w io.Writer, changes []Change, diffs bool) error {
	t := &text{diffs: diffs}
	t.changes("", changes)
	_, err := io.WriteString(w, t.out.String())
	return err
}

func (p Preview) begin() string {
	switch n := len(p.Releases); {
	case n == 1:
		return "1 release would begin"
	case n > 1:
		return fmt.Sprintf("%d releases would begin", n)
	case len(p.Changes) > 0:
		return "no release would begin"
	default:
		return "nothing would change"
	}
}

func podWords(now, most int32) string {
	if now == most {
		return fmt.Sprintf("pods: %d", now)
	}
	return fmt.Sprintf("pods: %d now, %d at the most", now, most)
}

// text gathers lines.
type text struct {
	diffs bool
	out   strings.Builder
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(&t.out, format+"\n", args...) }

func (t *text) release(r Release) {
	by := "with all requests at once, as it names no strategy"
	if r.Strategy != "" {
		by = fmt.Sprintf("by strategy %s (%s)", r.Strategy, r.Type)
	}
	t.line("")
	t.line("%s: %s → %s %s; about %s, %s", r.Component, r.From, r.To, by, seconds(r.Seconds), podWords(r.PodsNow, r.PodsAtMost))
	for i, m := range r.Moments {
		t.line("%s", strings.TrimRight(fmt.Sprintf("  %2d  %-60s %8s", i+1, m.Title, lasts(m)), " "))
		if m.Evidence != nil {
			t.line("      %s", m.Evidence.Message)
		}
		t.changes("      ", m.Changes)
	}
}

func (t *text) changes(indent string, changes []Change) {
	for _, c := range changes {
		t.line("%s%s %s %s", indent, marks[c.Action], c.Kind, c.Name)
		if !t.diffs {
			continue
		}
		for _, line := range strings.Split(strings.TrimRight(c.Diff, "\n"), "\n")[2:] { // the names say nothing here
			t.line("%s    %s", indent, line)
		}
	}
}

func lasts(m Moment) string {
	if m.Seconds == 0 {
		return ""
	}
	return seconds(m.Seconds)
}

// seconds words a time without the units that are nought.
func seconds(s float64) string {
	words := time.Duration(s * float64(time.Second)).Round(time.Second).String()
	for _, tail := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(words, tail) {
			words = words[:len(words)-2]
		}
	}
	return words
}
