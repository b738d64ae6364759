// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"

	"weir.dev/weir/cluster/step"
)

func TestStepsFitTogether(t *testing.T) {
	if err := step.Check((&builder{}).steps()); err != nil {
		t.Error(err)
	}
}

func TestResolvePort(t *testing.T) {
	tests := []struct {
		name                   string
		wanted, usual, current int
		isDefault              bool
		want                   int
	}{
		{"the default cluster's first time", Automatic, 16443, 0, true, 16443},
		{"another cluster's first time", Automatic, 16443, 0, false, 0},
		{"it keeps what it had", Automatic, 16443, 777, true, 777},
		{"a free one was asked for before", 0, 16443, 777, true, 777},
		{"any free one", 0, 16443, 0, true, 0},
		{"this one", 5, 16443, 777, true, 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := resolvePort(test.wanted, test.usual, test.current, test.isDefault); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestProportional(t *testing.T) {
	const rollup = "55d0-7ffc ---p 00000000 00:00 0 [rollup]\nRss:  400 kB\nPss:   123 kB\nPss_Dirty: 7 kB\n"
	if got := proportional(rollup); got != 123<<10 {
		t.Errorf("got %d", got)
	}
}

func TestLastLines(t *testing.T) {
	for lines, want := range map[int]string{0: "a\nb\nc\n", 1: "c\n", 2: "b\nc\n", 9: "a\nb\nc\n"} {
		if got := lastLines("a\nb\nc\n", lines); got != want {
			t.Errorf("%d lines: %q, want %q", lines, got, want)
		}
	}
}
