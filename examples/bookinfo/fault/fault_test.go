// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"weir.dev/weir/examples/bookinfo/origin"
)

func TestInjectFailsTheShareAskedFor(t *testing.T) {
	cases := map[string]struct {
		rate float64
		want int
	}{
		"None": {0, 0},
		"Some": {0.05, 5},
		"All":  {1, 100},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := -1.0
			draw := func() float64 { n++; return float64(int(n/2)%100) / 100 } // two draws a request
			h := Inject(Faults{ErrorRate: c.rate}, origin.Self{Service: "reviews", Version: "v4"}, draw, http.NotFoundHandler())
			failed := 0
			for range 100 {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
				if w.Code != http.StatusInternalServerError {
					continue
				}
				failed++
				if got := w.Header().Get(origin.Failed); got != "reviews v4" {
					t.Fatalf("%s: got %q, want %q", origin.Failed, got, "reviews v4")
				}
			}
			if failed != c.want {
				t.Errorf("failed answers of 100: got %d, want %d", failed, c.want)
			}
		})
	}
}

func TestDelay(t *testing.T) {
	cases := map[string]struct {
		f    Faults
		at   float64
		want time.Duration
	}{
		"Healthy":    {Faults{}, 0.9, 0},
		"Middle":     {Faults{Latency: 100, Jitter: 20}, 0.5, 100},
		"Shortest":   {Faults{Latency: 100, Jitter: 20}, 0, 80},
		"BelowZero":  {Faults{Latency: 10, Jitter: 20}, 0, 0},
		"JitterOnly": {Faults{Jitter: 20}, 0.75, 10},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.f.delay(c.at); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestInjectWaitsAndGivesUpWithTheClient(t *testing.T) {
	h := Inject(Faults{Latency: time.Hour}, origin.Self{}, nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("answered although the client had gone")
	}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
}

func TestValidate(t *testing.T) {
	cases := map[string]struct {
		f  Faults
		ok bool
	}{
		"Healthy":      {Faults{}, true},
		"Percent":      {Faults{ErrorRate: 5}, false},
		"Negative":     {Faults{ErrorRate: -0.1}, false},
		"NegativeTime": {Faults{Latency: -1}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := c.f.Validate(); (err == nil) != c.ok {
				t.Errorf("got %v, want ok %v", err, c.ok)
			}
		})
	}
}
