// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"sync"
	"testing"
	"time"
)

// fake is a clock that moves only when somebody waits, or by hand.
type fake struct {
	mu   sync.Mutex
	now  time.Time
	late time.Duration // how much later than asked Until returns
}

func newFake() *fake { return &fake{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (f *fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) Until(ctx context.Context, at time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at.After(f.now) {
		f.now = at.Add(f.late)
	}
	return ctx.Err()
}

func (f *fake) add(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func TestScheduleFollow(t *testing.T) {
	cases := map[string]struct {
		reason string
		plan   schedule
		late   time.Duration
		want   int
		last   time.Duration
	}{
		"RateTimesDuration": {
			reason: "the request due at the very end is not sent",
			plan:   schedule{rate: 100, duration: 30 * time.Second, max: 1e6}, want: 3000, last: 29990 * time.Millisecond,
		},
		"LessThanOneASecond": {
			reason: "a slow rate is a rate as well",
			plan:   schedule{rate: 0.5, duration: 10 * time.Second, max: 1e6}, want: 5, last: 8 * time.Second,
		},
		"ThirdsDoNotDrift": {
			reason: "each instant is computed from the start, so that rounding does not add up",
			plan:   schedule{rate: 3, duration: time.Hour, max: 1e6}, want: 10800, last: 3599666666666 * time.Nanosecond,
		},
		"MaxRequests": {
			reason: "an endless run ends at the bound",
			plan:   schedule{rate: 100, max: 250}, want: 250, last: 2490 * time.Millisecond,
		},
		"LateTimers": {
			reason: "timers that fire late make no request go missing",
			plan:   schedule{rate: 1000, duration: time.Second, max: 1e6}, late: 7 * time.Millisecond, want: 1000, last: 999 * time.Millisecond,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			clock := newFake()
			clock.late = c.late
			start, count := clock.Now(), 0
			var last time.Time
			c.plan.follow(context.Background(), clock, start, func(due time.Time) { count++; last = due })
			if count != c.want || last.Sub(start) != c.last {
				t.Errorf("%s: got %d, the last at %v; want %d, %v", c.reason, count, last.Sub(start), c.want, c.last)
			}
		})
	}
}

func TestScheduleStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	clock, count := newFake(), 0
	schedule{rate: 10, max: 1e6}.follow(ctx, clock, clock.Now(), func(time.Time) {
		if count++; count == 3 {
			cancel()
		}
	})
	if count != 3 {
		t.Errorf("got %d requests, want 3", count)
	}
}

func TestWallEndsItsWaitWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := (wall{}).Until(ctx, time.Now().Add(time.Hour)); err == nil {
		t.Error("want an error")
	}
	if err := (wall{}).Until(context.Background(), time.Now().Add(time.Millisecond)); err != nil {
		t.Error(err)
	}
}
