// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is one line of `go test -json`.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
}

// key names a test of a package; test is empty for the package itself.
type key struct{ pkg, test string }

// listener counts the tests of a suite and tells what happens.
type listener struct {
	out io.Writer
	// module is cut off the names of packages.
	module string
	// each test gets a line, not only each package.
	each bool
	// logs of tests that pass are shown as well.
	logs bool

	mu      sync.Mutex
	counts  tally
	perPkg  map[string]*tally
	output  map[key][]string
	running map[key]time.Time
}

func newListener(out io.Writer, module string, each bool) *listener {
	return &listener{
		out: out, module: module, each: each,
		perPkg: map[string]*tally{}, output: map[key][]string{}, running: map[key]time.Time{},
	}
}

// listen reads events until the stream ends. Lines that are no events are passed on.
func (l *listener) listen(stream io.Reader) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(l.out, lines.Text())
			continue
		}
		l.hear(e, time.Now())
	}
	return lines.Err()
}

func (l *listener) hear(e event, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := key{e.Package, e.Test}
	switch e.Action {
	case "run":
		l.running[k] = now
	case "output":
		l.output[k] = append(l.output[k], e.Output)
	case "build-output":
		fmt.Fprint(l.out, e.Output)
	case "pass", "fail", "skip":
		delete(l.running, k)
		if e.Test == "" {
			l.endPackage(e)
		} else {
			l.endTest(e)
		}
	}
}

func (l *listener) endTest(e event) {
	counts, k := l.of(e.Package), key{e.Package, e.Test}
	switch e.Action {
	case "pass":
		counts.passed++
		if l.logs {
			l.tell(k)
		}
	case "skip":
		counts.skipped++
	case "fail":
		counts.failed++
		counts.failures = append(counts.failures, l.short(e.Package)+" "+e.Test+l.last(k))
		l.show(k)
	}
	if l.each && !strings.Contains(e.Test, "/") {
		fmt.Fprintf(l.out, "  %-4s %-60s %7.2fs\n", e.Action, e.Test, e.Elapsed)
	}
}

func (l *listener) endPackage(e event) {
	l.endUnfinished(e)
	counts := l.of(e.Package)
	if e.Action == "fail" && counts.failed == 0 {
		// It was not a test that failed: the package does not build, or its TestMain gave up.
		counts.failed++
		counts.failures = append(counts.failures, l.short(e.Package))
		l.show(key{e.Package, ""})
	}
	delete(l.perPkg, e.Package)
	l.counts.add(*counts)
	if counts.passed+counts.failed+counts.skipped > 0 {
		fmt.Fprintf(l.out, "  %-4s %-60s %7.2fs  %s\n", e.Action, l.short(e.Package), e.Elapsed, counts)
	}
	for k := range l.output {
		if k.pkg == e.Package {
			delete(l.output, k)
		}
	}
}

// endUnfinished fails the tests whose process died under them: by a panic, or because it took too long.
func (l *listener) endUnfinished(e event) {
	for k := range l.running {
		if k.pkg == e.Package {
			delete(l.running, k)
			l.endTest(event{Action: "fail", Package: k.pkg, Test: k.test})
		}
	}
}

// show prints what was kept of a test's output.
func (l *listener) show(k key) {
	for _, text := range l.output[k] {
		fmt.Fprint(l.out, "    "+text)
	}
}

// logged is a line that a test wrote.
var logged = regexp.MustCompile(`^\s+\S+_test\.go:\d+: (.+)`)

// entries and entryLines are how much of what a failed test said last is repeated at the end, entryWidth how much of a line.
const entries, entryLines, entryWidth = 3, 3, 240

// last is what the test logged last, the beginning of each entry, to be put behind its name.
func (l *listener) last(k key) string {
	var said [][]string
	for _, text := range l.output[k] {
		switch {
		case logged.MatchString(text):
			said = append(said, nil)
		case len(said) == 0 || len(said[len(said)-1]) == entryLines || strings.HasPrefix(strings.TrimSpace(text), "--- FAIL: "):
			continue
		}
		line := strings.TrimSpace(text)
		if len(line) > entryWidth {
			line = strings.ToValidUTF8(line[:entryWidth], "") + "…"
		}
		said[len(said)-1] = append(said[len(said)-1], line)
	}
	var out strings.Builder
	for _, lines := range said[max(0, len(said)-entries):] {
		fmt.Fprintf(&out, "\n    %s", strings.Join(lines, "\n      "))
	}
	return out.String()
}

// tell prints what the test logged.
func (l *listener) tell(k key) {
	for _, text := range l.output[k] {
		if parts := logged.FindStringSubmatch(text); parts != nil {
			fmt.Fprintln(l.out, "    "+parts[1])
		}
	}
}

// mention says which tests run and how long, the longest running first.
func (l *listener) mention(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range slices.SortedFunc(maps.Keys(l.running), func(a, b key) int { return l.running[a].Compare(l.running[b]) }) {
		if !strings.Contains(k.test, "/") {
			fmt.Fprintf(l.out, "  … %s %s runs for %s\n", l.short(k.pkg), k.test, now.Sub(l.running[k]).Round(time.Second))
		}
	}
}

func (l *listener) of(pkg string) *tally {
	if l.perPkg[pkg] == nil {
		l.perPkg[pkg] = &tally{}
	}
	return l.perPkg[pkg]
}

func (l *listener) short(pkg string) string { return strings.TrimPrefix(pkg, l.module+"/") }
