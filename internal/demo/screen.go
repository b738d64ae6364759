// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/load"
)

// screen shows a release while it goes on: a block that is redrawn on a terminal, a line for each change elsewhere.
type screen struct {
	out   io.Writer
	live  bool
	drawn int
	last  string
	spoke time.Duration
}

// quiet is how long a display without a terminal may say nothing.
const quiet = 5 * time.Second

func newScreen(out io.Writer, live bool) *screen { return &screen{out: out, live: live} }

func (s *screen) show(elapsed time.Duration, release *api.Release, l load.Snapshot) {
	if !s.live {
		s.line(elapsed, release, l)
		return
	}
	block := render(elapsed, release, l)
	s.erase()
	fmt.Fprint(s.out, strings.Join(block, "\n")+"\n")
	s.drawn = len(block)
}

func (s *screen) erase() {
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
	}
	s.drawn = 0
}

func (s *screen) close() { s.drawn = 0 }

func (s *screen) line(elapsed time.Duration, release *api.Release, l load.Snapshot) {
	key := fmt.Sprintf("%s %d %d", release.Status.Phase, weight(release), verified(release))
	if key == s.last && elapsed-s.spoke < quiet {
		return
	}
	s.last, s.spoke = key, elapsed
	fmt.Fprintf(s.out, "  %6.1fs  %-10s  wanted %3d %%  verified %3d %%  %d requests, %d failed, P95 %.0f ms  %s\n",
		elapsed.Seconds(), release.Status.Phase, weight(release), verified(release), l.Requests, l.Failed, l.Last.Latency.P95,
		release.Status.Message)
}

// render is the block of lines that shows a release.
func render(elapsed time.Duration, release *api.Release, l load.Snapshot) []string {
	share := weight(release)
	proof := "not served yet"
	if v := release.Status.Verified; v != nil {
		proof = fmt.Sprintf("every caller serves %d %% (%d proxies, %s)", v.Weight, v.Proxies, v.Method)
		if len(v.Lagging) > 0 {
			proof += ", waiting for " + strings.Join(v.Lagging, ", ")
		}
	}
	lines := []string{
		fmt.Sprintf("  %-6s %s %3d %%", cut(release.Spec.From, 6), bar(100-share), 100-share),
		fmt.Sprintf("  %-6s %s %3d %%   %s", cut(release.Spec.To, 6), bar(share), share, proof),
		"",
		fmt.Sprintf("  load    %d requests, %d failed, %d/s, P95 %.0f ms", l.Requests, l.Failed, l.Last.Requests, l.Last.Latency.P95),
		"  new     " + judgement(release.Status.Verdict),
		fmt.Sprintf("  %5.1fs  %s: %s", elapsed.Seconds(), release.Status.Phase, release.Status.Message),
	}
	return lines
}

func judgement(v *api.Verdict) string {
	if v == nil {
		return "nothing judged yet"
	}
	parts := make([]string, 0, len(v.Evidence))
	for _, e := range v.Evidence {
		parts = append(parts, e.Name+" "+e.Value)
	}
	if len(parts) == 0 {
		return v.Message
	}
	return strings.Join(parts, ", ")
}

// bar is a bar of 30 columns.
func bar(percent int32) string {
	const width = 30
	full := int(percent) * width / 100
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func weight(release *api.Release) int32 {
	for _, w := range release.Status.Wanted {
		if w.Version == release.Spec.To {
			return w.Weight
		}
	}
	return 0
}

func verified(release *api.Release) int32 {
	if v := release.Status.Verified; v != nil {
		return v.Weight
	}
	return 0
}
