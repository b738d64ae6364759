// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestFailedPassesAreMadeAgainSoon: an API server that was away for long is no reason to come back late.
func TestFailedPassesAreMadeAgainSoon(t *testing.T) {
	limiter := Passes(1).RateLimiter
	var waited, last time.Duration
	for waited < time.Hour {
		last = limiter.When(reconcile.Request{})
		waited += last
	}
	if last != 10*time.Second {
		t.Errorf("after an hour of failures the next pass is made after %s, want 10s", last)
	}
}
