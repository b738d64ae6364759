// SPDX-License-Identifier: Apache-2.0

package load

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// maxSeries bounds the seconds kept.
	maxSeries = 3600
	// maxNames bounds the versions and the blamed told apart; what comes later counts as others.
	maxNames = 100
	others   = "others"
)

// outcome is what came of one request. The request is ok when kind is empty.
type outcome struct {
	sample   Sample
	kind     string
	latency  time.Duration
	versions []string
	blamed   []string
}

// tally counts. It may be used by several goroutines at once.
type tally struct {
	mu      sync.Mutex
	options Options

	total    Snapshot
	sending  time.Duration // how long requests have been sent
	latency  histogram
	second   Second
	within   histogram // the latencies of second
	series   []Second
	samples  []Sample
	finished time.Time
}

func newTally(start time.Time, o Options) *tally {
	return &tally{
		options: o, latency: newHistogram(), within: newHistogram(),
		total: Snapshot{Start: start, Kinds: map[string]int64{}, Blamed: map[string]int64{}, Versions: map[string]Count{}},
	}
}

// sent counts a request that goes out at now.
func (t *tally) sent(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due(now)
	t.total.Sent++
	t.total.InFlight++
}

// dropped counts at now a request that was due and could not be sent.
func (t *tally) dropped(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due(now)
	t.count(outcome{kind: KindDropped})
}

// answered counts what came at now of a request that was sent.
func (t *tally) answered(now time.Time, o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(now)
	t.total.InFlight--
	t.latency.record(o.latency)
	t.within.record(o.latency)
	t.count(o)
}

func (t *tally) due(now time.Time) {
	t.turn(now)
	t.total.Requests++
	t.second.Requests++
	t.sending = now.Sub(t.total.Start)
}

func (t *tally) count(o outcome) {
	if t.second.Versions == nil {
		t.second.Versions = map[string]int64{}
	}
	for _, version := range o.versions {
		version = known(t.total.Versions, version)
		c := t.total.Versions[version]
		if o.kind == "" {
			c.OK++
		} else {
			c.Failed++
		}
		t.total.Versions[version] = c
		t.second.Versions[version]++
	}
	if o.kind == "" {
		t.total.OK++
		t.second.OK++
		return
	}
	t.fail(o)
}

func (t *tally) fail(o outcome) {
	t.total.Failed++
	t.second.Failed++
	t.total.Kinds[o.kind]++
	if len(o.blamed) == 0 && t.options.FailedHeader != "" {
		o.blamed = []string{Unattributed}
	}
	for _, who := range o.blamed {
		t.total.Blamed[known(t.total.Blamed, who)]++
	}
	if o.kind != KindDropped && len(t.samples) < t.options.MaxSamples { // a dropped one has nothing to show.
		t.samples = append(t.samples, o.sample)
	}
}

// known returns name if it is counted already or may be, else others: a server may not fill the memory with names.
func known[V any](counts map[string]V, name string) string {
	if _, ok := counts[name]; ok || len(counts) < maxNames {
		return name
	}
	return others
}

// turn closes every second that is over at now.
func (t *tally) turn(now time.Time) {
	for at := int(now.Sub(t.total.Start) / time.Second); t.second.At < at; {
		t.close()
	}
}

func (t *tally) close() {
	t.second.Latency = t.within.latency()
	t.total.Last = t.second
	t.series = append(t.series, t.second)
	if len(t.series) > maxSeries {
		t.series = slices.Delete(t.series, 0, 1)
	}
	t.second = Second{At: t.second.At + 1}
	t.within.h.Reset()
}

// finish closes the last second, whole or not.
func (t *tally) finish(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(now)
	t.finished = now
	if t.second.Requests+t.second.OK+t.second.Failed > 0 {
		t.close()
	}
}

func (t *tally) snapshot(now time.Time) Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.finished.IsZero() {
		t.turn(now)
	} else {
		now = t.finished
	}
	s := t.total
	s.Seconds = now.Sub(s.Start).Seconds()
	// The last request stands for the interval after it.
	s.Rate = float64(s.Sent) / (t.sending.Seconds() + 1/t.options.Rate)
	s.Latency = t.latency.latency()
	s.Kinds, s.Blamed, s.Versions = maps.Clone(s.Kinds), maps.Clone(s.Blamed), maps.Clone(s.Versions)
	s.Last.Versions = maps.Clone(s.Last.Versions)
	return s
}

func (t *tally) result(now time.Time) *Result {
	s := t.snapshot(now)
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Result{Snapshot: s, Series: slices.Clone(t.series), Samples: slices.Clone(t.samples)}
}
