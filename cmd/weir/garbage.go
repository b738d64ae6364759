// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// garbage is by how many percent memory may grow before it is collected: the controller waits most of the time, and
	// starting with 2,000 applications is no reason to hold twice what they need (bench/controller.sh).
	garbage = 15
	// slack is by how many bytes it may grow while all of it is no more than small. While little is held, 15 % of it would be
	// collected several times a second when much is asked of the webhooks, and each time the API server waits
	// (bench/webhook.sh).
	slack, small = 32 << 20, 96 << 20
	// most is how many percent that comes to at the start, when Go takes 4 MiB for what is held.
	most = slack / (4 << 20) * 100
)

// collected lies unused until the next collection.
type collected struct{ _ [32]byte }

// pace sets, now and after each collection, how much memory may grow until the next.
func pace() {
	held := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(held)
	debug.SetGCPercent(growth(held[0].Value.Uint64()))
	runtime.AddCleanup(new(collected), func(struct{}) { pace() }, struct{}{})
}

// growth is by how many percent memory may grow of which so much is held.
func growth(held uint64) int {
	if held == 0 {
		return most
	}
	free := min(slack, small-min(held, small))
	return int(min(max(free*100/held, garbage), most))
}
