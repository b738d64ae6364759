// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"weir.dev/weir/internal/mesh"
)

// way is a prover whose answer tests set.
type way struct {
	proof mesh.Proof
	err   error
	asked int
}

func (w *way) Prove(context.Context, mesh.Route) (mesh.Proof, error) {
	w.asked++
	return w.proof, w.err
}

func TestFallback(t *testing.T) {
	now := t0
	first := &way{proof: mesh.Proof{Served: true, Method: "istiod-sync"}}
	second := &way{proof: mesh.Proof{Method: SharesMethod, Lagging: []string{"shop/page"}}}
	f := NewFallback(first, second)
	f.now = func() time.Time { return now }
	step := func(later time.Duration, method, said string) {
		t.Helper()
		now = now.Add(later)
		got, err := f.Prove(t.Context(), mesh.Route{})
		if err != nil && (said == "" || !strings.Contains(err.Error(), said)) || err == nil && got.Method != method {
			t.Errorf("at %s: %+v, %v; want %s %s", now.Sub(t0), got, err, method, said)
		}
	}
	step(0, "istiod-sync", "")
	first.err = errors.New("istiod refused it")
	step(time.Hour, "", "istiod refused it; if that lasts, what callers send is watched instead in 30s")
	step(29*time.Second, "", "istiod refused it; if that lasts, what callers send is watched instead in 1s")
	if second.asked != 0 {
		t.Error("the second way was taken too soon")
	}
	step(time.Second, SharesMethod, "")
	second.err = errors.New("the store is down")
	step(time.Second, "", "istiod refused it; nor by what callers send: the store is down")
	second.err = nil
	asked := first.asked
	step(time.Second, SharesMethod, "")
	if first.asked != asked {
		t.Error("the first way is tried each time")
	}
	step(again, SharesMethod, "")
	if first.asked != asked+1 {
		t.Error("the first way is not tried again")
	}
	first.err = nil
	step(again, "istiod-sync", "")
	first.err = errors.New("gone again")
	step(time.Second, "", "gone again")
}

func TestFallbackHearsNothingInACallThatEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	now := t0
	first := &way{err: context.Canceled}
	f := NewFallback(first, &way{})
	f.now = func() time.Time { return now }
	for range 2 {
		if _, err := f.Prove(ctx, mesh.Route{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		now = now.Add(time.Hour)
	}
}
