// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"time"
)

// schedule says when each request is due. Each instant is computed from the start, so that no error adds up.
type schedule struct {
	rate     float64       // per second, above 0
	duration time.Duration // 0: without end
	max      int
}

// due returns when request n, counted from 0, is due after the start; false when there is no such request.
func (s schedule) due(n int) (time.Duration, bool) {
	at := time.Duration(float64(n) / s.rate * float64(time.Second))
	return at, n < s.max && (s.duration == 0 || at < s.duration)
}

// clock is the time that requests are sent by.
type clock interface {
	Now() time.Time
	// Until returns at the instant given, at once if that has passed, or with an error as soon as ctx is done.
	Until(ctx context.Context, at time.Time) error
}

type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) Until(ctx context.Context, at time.Time) error {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow calls send for every request when it is due, until there are no more or ctx is done. It never waits for an answer;
// if it is late it catches up without a pause.
func (s schedule) follow(ctx context.Context, c clock, start time.Time, send func(due time.Time)) {
	for n := 0; ; n++ {
		after, more := s.due(n)
		if !more || c.Until(ctx, start.Add(after)) != nil {
			return
		}
		send(start.Add(after))
	}
}
