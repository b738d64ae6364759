// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
)

// releaseScreen shows a release while it goes on: a block that is redrawn on a terminal, a line for each change elsewhere.
type releaseScreen struct {
	out   io.Writer
	live  bool
	drawn int
	last  string
}

func (s *releaseScreen) show(r *api.Release, now time.Time) {
	if !s.live {
		if line := releaseLine(r); line != s.last {
			s.last = line
			fmt.Fprintf(s.out, "%s  %s\n", now.Format(time.TimeOnly), line)
		}
		return
	}
	block := releaseBlock(r, now)
	for i, line := range block { // a line that wraps would be two to erase
		block[i] = fitted(line, s.width())
	}
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
	}
	fmt.Fprint(s.out, strings.Join(block, "\n")+"\n")
	s.drawn = len(block)
}

// width of the terminal, in columns.
func (s *releaseScreen) width() int {
	if file, ok := s.out.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 120
}

func fitted(line string, width int) string {
	if runes := []rune(line); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return line
}

func releaseLine(r *api.Release) string {
	return fmt.Sprintf("%-10s  %s %d %%  verified %s  %s", phaseWord(*r), r.Spec.To, wantedWeight(r), verifiedWeight(*r), r.Status.Message)
}

// releaseBlock is the block of lines that shows where a release stands.
func releaseBlock(r *api.Release, now time.Time) []string {
	share := wantedWeight(r)
	width := max(len(r.Spec.From), len(r.Spec.To))
	lines := []string{
		fmt.Sprintf("%s of %s   %s", r.Spec.Component, r.Spec.Application, lasted(r, now)),
		"",
		fmt.Sprintf("  %-*s  %s %3d %%", width, r.Spec.From, bar(100-share), 100-share),
		fmt.Sprintf("  %-*s  %s %3d %%   %s", width, r.Spec.To, bar(share), share, verifiedWords(r)),
		"",
	}
	column := 0
	for _, s := range shares(r) {
		column = max(column, utf8.RuneCountInString(s))
	}
	for i := range r.Status.Steps {
		mark, words := "●", ""
		if i < len(r.Status.Steps)-1 || r.Status.Phase.Finished() {
			mark = "✓"
		}
		if v := verdictOf(r, i); v != nil {
			words = v.Message
			if v.Result == api.VerdictFail {
				mark = "✗"
			}
		}
		lines = append(lines, stepLine(mark, i+1, shares(r)[i], column)+words)
	}
	for i := len(r.Status.Steps); i < len(shares(r)); i++ {
		lines = append(lines, stepLine("○", i+1, shares(r)[i], column))
	}
	for _, g := range waitingApprovals(r) {
		lines = append(lines, fmt.Sprintf("  ? gate %s: weir release approve %s --gate %s -n %s", g.Name, r.Name, g.Name, r.Namespace))
	}
	lines = append(lines, "", fmt.Sprintf("  %s: %s", phaseWord(*r), r.Status.Message))
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}

func stepLine(mark string, number int, share string, column int) string {
	return fmt.Sprintf("  %s %2d  %-*s   ", mark, number, column, share)
}

// shares words the steps taken and those to come.
func shares(r *api.Release) []string {
	var out []string
	for _, s := range r.Status.Steps {
		out = append(out, release.Stage{Weight: s.Weight, Match: s.Match, Mirror: s.Mirror}.Share())
	}
	for _, s := range ahead(r) {
		out = append(out, s.Share())
	}
	return out
}

// lasted is how long the release goes on, or went.
func lasted(r *api.Release, now time.Time) string {
	start := r.CreationTimestamp.Time
	if r.Status.StartedAt != nil {
		start = r.Status.StartedAt.Time
	}
	if r.Status.FinishedAt != nil {
		now = r.Status.FinishedAt.Time
	}
	return now.Sub(start).Round(time.Second).String()
}

// wantedWeight is the share that is wanted of the new version, in percent.
func wantedWeight(r *api.Release) int32 {
	for _, w := range r.Status.Wanted {
		if w.Version == r.Spec.To {
			return w.Weight
		}
	}
	return 0
}

// bar is a bar of 30 columns.
func bar(percent int32) string {
	const width = 30
	full := int(percent) * width / 100
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}
