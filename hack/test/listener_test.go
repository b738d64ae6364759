// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestListen(t *testing.T) {
	for name, test := range map[string]struct {
		events string
		want   tally
		// says is what must be shown, hides what must not.
		says, hides string
	}{
		"passed tests and subtests count": {
			events: `{"Action":"run","Package":"m/a","Test":"TestA"}
{"Action":"run","Package":"m/a","Test":"TestA/one"}
{"Action":"output","Package":"m/a","Test":"TestA/one","Output":"quiet\n"}
{"Action":"pass","Package":"m/a","Test":"TestA/one"}
{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a"}`,
			want:  tally{passed: 2},
			says:  "2 passed, 0 failed",
			hides: "quiet",
		},
		"a failed test shows its output": {
			events: `{"Action":"run","Package":"m/a","Test":"TestA"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"m/a","Test":"TestA"}
{"Action":"fail","Package":"m/a"}`,
			want: tally{failed: 1, failures: []string{"a TestA"}},
			says: "got 1, want 2",
		},
		"what a failed test said last is repeated with its name": {
			events: `{"Action":"run","Package":"m/a","Test":"TestA"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:1: first\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:2: one\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"        two\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"        three\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"        four\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:3: third\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:4: got 1, want 2\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"    --- FAIL: TestA (0.00s)\n"}
{"Action":"fail","Package":"m/a","Test":"TestA"}
{"Action":"fail","Package":"m/a"}`,
			want: tally{failed: 1, failures: []string{"a TestA\n    a_test.go:2: one\n      two\n      three\n    a_test.go:3: third\n    a_test.go:4: got 1, want 2"}},
			says: "a_test.go:1: first",
		},
		"a test whose process died failed": {
			events: `{"Action":"run","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"run","Package":"m/a","Test":"TestB"}
{"Action":"output","Package":"m/a","Test":"TestB","Output":"panic: test timed out\n"}
{"Action":"output","Package":"m/a","Output":"FAIL\n"}
{"Action":"fail","Package":"m/a"}`,
			want: tally{passed: 1, failed: 1, failures: []string{"a TestB"}},
			says: "panic: test timed out",
		},
		"a package that does not build is a failure": {
			events: `{"ImportPath":"m/a","Action":"build-output","Output":"a.go:1: undefined: x\n"}
{"ImportPath":"m/a","Action":"build-fail"}
{"Action":"output","Package":"m/a","Output":"FAIL m/a [build failed]\n"}
{"Action":"fail","Package":"m/a","FailedBuild":"m/a"}`,
			want: tally{failed: 1, failures: []string{"a"}},
			says: "undefined: x",
		},
		"a package without tests counts for nothing": {
			events: `{"Action":"output","Package":"m/a","Output":"? m/a [no test files]\n"}
{"Action":"skip","Package":"m/a"}`,
			hides: "m/a",
		},
		"a skipped test is told apart": {
			events: `{"Action":"run","Package":"m/a","Test":"TestA"}
{"Action":"skip","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a"}`,
			want: tally{skipped: 1},
			says: "0 passed, 0 failed, 1 skipped",
		},
		"what is no event is passed on": {events: "go: something odd", says: "go: something odd"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			l := newListener(&out, "m", false)
			if err := l.listen(strings.NewReader(test.events)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, l.counts, cmp.AllowUnexported(tally{})); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if !strings.Contains(out.String(), test.says) {
				t.Errorf("said %q, which lacks %q", out.String(), test.says)
			}
			if test.hides != "" && strings.Contains(out.String(), test.hides) {
				t.Errorf("said %q, which should not hold %q", out.String(), test.hides)
			}
		})
	}
}

func TestTestNames(t *testing.T) {
	got, err := testNames([]string{"listener_test.go"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"TestListen", "TestTestNames", "TestListenTellsLogs"}, got); diff != "" {
		t.Errorf("tests of this file (-want +got):\n%s", diff)
	}
}

func TestListenTellsLogs(t *testing.T) {
	var out bytes.Buffer
	l := newListener(&out, "m", true)
	l.logs = true
	err := l.listen(strings.NewReader(`{"Action":"run","Package":"m/a","Test":"TestA"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"=== RUN TestA\n"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:7: 12 states\n"}
{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a"}`))
	if err != nil || !strings.Contains(out.String(), "\n    12 states\n") && !strings.HasPrefix(out.String(), "    12 states\n") || strings.Contains(out.String(), "RUN") {
		t.Errorf("%v; it said:\n%s", err, &out)
	}
}
