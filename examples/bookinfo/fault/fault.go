// SPDX-License-Identifier: Apache-2.0

// Package fault makes a service slow, late or wrong on purpose, so that a bad version can be shown.
package fault

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"weir.dev/weir/examples/bookinfo/origin"
)

// Faults is what goes wrong. The zero value is a healthy service.
type Faults struct {
	// ErrorRate is the share of answers, 0 to 1, that are HTTP 500.
	ErrorRate float64
	// Latency is added to every answer, the failed ones included.
	Latency time.Duration
	// Jitter spreads Latency evenly by this much either way, never below 0.
	Jitter time.Duration
}

// Validate names the first field that is out of range.
func (f Faults) Validate() error {
	if f.ErrorRate < 0 || f.ErrorRate > 1 {
		return fmt.Errorf("error rate %v: give a share between 0 and 1, such as 0.05", f.ErrorRate)
	}
	if f.Latency < 0 || f.Jitter < 0 {
		return fmt.Errorf("latency %v, jitter %v: neither may be negative", f.Latency, f.Jitter)
	}
	return nil
}

// Inject returns next with the faults, which are attributed to self. draw returns a number in [0, 1); nil means at random.
func Inject(f Faults, self origin.Self, draw func() float64, next http.Handler) http.Handler {
	if draw == nil {
		draw = rand.Float64
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pause(r, f.delay(draw())) {
			return
		}
		if draw() < f.ErrorRate {
			origin.Blame(w.Header(), self.Blame(), "an error on purpose (--error-rate)")
			http.Error(w, self.Blame()+" fails on purpose", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// delay spreads Latency by Jitter; at is in [0, 1).
func (f Faults) delay(at float64) time.Duration {
	return max(0, f.Latency+time.Duration((2*at-1)*float64(f.Jitter)))
}

// pause waits for d and reports false when the client left first.
func pause(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
