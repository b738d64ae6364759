// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestLittleMemoryMayGrowByMore(t *testing.T) {
	for name, c := range map[string]struct {
		held uint64
		want int
	}{
		"at the start":                  {0, 800},
		"next to nothing":               {1 << 20, 800},
		"as much as may be added":       {32 << 20, 100},
		"up to all that is little":      {80 << 20, 20},
		"what two thousand come to":     {100 << 20, 15},
		"so much that the share counts": {1 << 30, 15},
	} {
		if got := growth(c.held); got != c.want {
			t.Errorf("%s: %d %%, want %d", name, got, c.want)
		}
	}
}

// TestThePaceIsSetAfterEachCollection holds more, and sees that less may be added, in percent, after it was counted.
func TestThePaceIsSetAfterEachCollection(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	pace()
	held := make([]byte, 512<<20)
	deadline := time.After(time.Minute)
	for percent := 0; percent != garbage; {
		runtime.GC()
		percent = debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		select {
		case <-deadline:
			t.Fatalf("%d %% of %d bytes", percent, len(held))
		default:
			runtime.Gosched()
		}
	}
	runtime.KeepAlive(held)
}
