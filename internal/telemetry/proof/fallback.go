// SPDX-License-Identifier: Apache-2.0

// Package proof tells how far callers have come with a route by whatever way works: by asking istiod, and where that cannot
// be asked for a while, by the shares of requests that callers were seen to send.
package proof

import (
	"context"
	"fmt"
	"sync"
	"time"

	"weir.dev/weir/internal/mesh"
)

const (
	// patience is how long the first way may fail before the second is taken.
	patience = 30 * time.Second
	// again is how often the first way is tried while the second is taken.
	again = 10 * time.Second
)

// Fallback asks the first prover, and the second while the first has been failing for 30 s. It is safe for concurrent use.
type Fallback struct {
	first, second mesh.Prover
	now           func() time.Time

	mu sync.Mutex
	// failing is since when the first fails, tried when it was asked last, and failure what it said.
	failing, tried time.Time
	failure        error
}

// NewFallback returns a prover that falls back from the first to the second.
func NewFallback(first, second mesh.Prover) *Fallback {
	return &Fallback{first: first, second: second, now: time.Now}
}

// Prove fails when neither way is open. The way that was taken is the proof's method.
func (f *Fallback) Prove(ctx context.Context, route mesh.Route) (mesh.Proof, error) {
	if f.due() {
		proof, err := f.first.Prove(ctx, route)
		if f.note(ctx, err); err == nil {
			return proof, nil
		}
	}
	left, failure := f.left()
	if left > 0 {
		return mesh.Proof{}, fmt.Errorf("%w; if that lasts, what callers send is watched instead in %s", failure, left.Round(time.Second))
	}
	// The other way counts from now on: what was sent before the route was asked about proves nothing.
	proof, err := f.second.Prove(ctx, route)
	if err != nil {
		return proof, fmt.Errorf("%w; nor by what callers send: %w", failure, err)
	}
	if !proof.Served && proof.Waits == "" && len(proof.Lagging) == 0 {
		proof.Waits = failure.Error()
	}
	return proof, nil
}

// due tells whether the first way is to be tried.
func (f *Fallback) due() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	return f.failing.IsZero() || now.Sub(f.failing) < patience || now.Sub(f.tried) >= again
}

// note takes down what became of the first way. A caller that gave up says nothing about it.
func (f *Fallback) note(ctx context.Context, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.tried = f.now(); {
	case err == nil:
		f.failing, f.failure = time.Time{}, nil
	case ctx.Err() != nil && f.failing.IsZero():
		f.failure = err
	default:
		f.failure = err
		if f.failing.IsZero() {
			f.failing = f.tried
		}
	}
}

// left is for how long the first way is still waited for.
func (f *Fallback) left() (time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing.IsZero() {
		return patience, f.failure
	}
	return patience - f.now().Sub(f.failing), f.failure
}
