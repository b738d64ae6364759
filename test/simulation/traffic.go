// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"
	"time"

	"weir.dev/weir/internal/mesh"
)

// traffic is the requests to both versions, and a store that scrapes the counters of their callers.
type traffic struct {
	dice *rand.Rand
	// rate of the requests to the component, a second; they come independently of each other.
	rate float64
	// every is the time between two scrapes.
	every    time.Duration
	old, new version
	// share of the requests that the new version gets, and copies the share that it gets copies of.
	share, copies float64

	at       time.Time // until when requests were made
	next     time.Time // the next scrape
	oldCount counter
	newCount counter
	scrapes  []scrape
}

// scrape is what the store knows of one instant.
type scrape struct {
	at       time.Time
	old, new counter
}

// begin is when the first request comes.
func (t *traffic) begin(now time.Time) {
	t.at = now
	t.next = now.Add(time.Duration(t.dice.Int64N(int64(t.every))))
}

// until lets requests come until now, at the present shares.
func (t *traffic) until(now time.Time) {
	for !t.next.After(now) {
		t.serve(t.next)
		t.scrapes = append(t.scrapes, scrape{t.next, t.oldCount, t.newCount})
		t.next = t.next.Add(t.every)
	}
	t.serve(now)
}

func (t *traffic) serve(now time.Time) {
	seconds := now.Sub(t.at).Seconds()
	t.at = now
	t.newCount.serve(t.dice, t.new, poisson(t.dice, t.rate*(t.share+t.copies)*seconds))
	t.oldCount.serve(t.dice, t.old, poisson(t.dice, t.rate*(1-t.share)*seconds))
}

// poisson is how many of the events come that are expected. Up to 30 they are counted one by one (D. E. Knuth, The Art
// of Computer Programming 2, 3.4.1); of more the sum is taken of that many parts.
func poisson(d *rand.Rand, expected float64) int {
	n := 0
	for ; expected > 30; expected -= 30 {
		n += poisson(d, 30)
	}
	for p, least := d.Float64(), math.Exp(-expected); p > least; p *= d.Float64() {
		n++
	}
	return n
}

// sample is what the store knows of the time after since: the growth from the first scrape in it to the last.
func (t *traffic) sample(since, now time.Time) mesh.Sample {
	for len(t.scrapes) > 0 && !t.scrapes[0].at.After(since) {
		t.scrapes = t.scrapes[1:]
	}
	if len(t.scrapes) == 0 {
		return mesh.Sample{Every: t.every}
	}
	first, last := t.scrapes[0], t.scrapes[len(t.scrapes)-1]
	s, beside := last.new.since(first.new), last.old.since(first.old)
	s.Beside, s.Span, s.Age, s.Every = &beside, last.at.Sub(first.at), now.Sub(last.at), t.every
	return s
}
