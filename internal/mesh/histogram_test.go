// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"math"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	// The values are those of Prometheus' own tests (promql/promqltest/testdata/histograms.test, testhistogram).
	positive := []Bucket{{100 * ms, 5}, {200 * ms, 7}, {s, 11}, {Endless, 12}}
	for name, c := range map[string]struct {
		q       float64
		want    time.Duration
		buckets []Bucket
	}{
		"lowest":                      {0, 0, positive},
		"inside the first bucket":     {0.2, 48 * ms, positive},
		"inside the second bucket":    {0.5, 150 * ms, positive},
		"inside the third bucket":     {0.8, 720 * ms, positive},
		"beyond the last bound":       {1, s, positive},
		"unsorted":                    {0.8, 720 * ms, []Bucket{{Endless, 12}, {s, 11}, {100 * ms, 5}, {200 * ms, 7}}},
		"a count that falls a little": {0.5, 6 * s, []Bucket{{10 * s, 10}, {20 * s, 9}, {Endless, 12}}},
		"all beyond the last bound":   {0.5, 10 * s, []Bucket{{10 * s, 0}, {Endless, 3}}},
		"an empty bucket between":     {0.5, 10 * s, []Bucket{{10 * s, 1}, {20 * s, 1}, {30 * s, 2}, {Endless, 2}}},
		"nothing observed":            {0.5, -1, []Bucket{{10 * s, 0}, {Endless, 0}}},
		"no infinite bound":           {0.5, -1, []Bucket{{10 * s, 1}, {20 * s, 3}}},
		"one bucket":                  {0.5, -1, []Bucket{{Endless, 3}}},
		"no buckets":                  {0.5, -1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := NewHistogram(c.buckets).Quantile(c.q); (got - c.want).Abs() > time.Microsecond {
				t.Errorf("want %s, got %s", c.want, got)
			}
		})
	}
}

// TestWithin: how many keep to a time is what Quantile says of that time, turned around.
func TestWithin(t *testing.T) {
	h := NewHistogram([]Bucket{{100 * time.Millisecond, 5}, {200 * time.Millisecond, 7}, {time.Second, 11}, {Endless, 12}})
	for _, q := range []float64{0.01, 0.2, 0.5, 0.55, 0.8, 0.9} {
		if got := h.Within(h.Quantile(q)); math.Abs(got-q*12) > 1e-6 {
			t.Errorf("%v of 12 within %s", got, h.Quantile(q))
		}
	}
	for d, want := range map[time.Duration]float64{0: 0, 100 * time.Millisecond: 5, time.Second - 1: 11, time.Second: 12, time.Hour: 12, Endless: 12} {
		if got := h.Within(d); math.Abs(got-want) > 1e-6 {
			t.Errorf("within %s: want %v, got %v", d, want, got)
		}
	}
	if got := Histogram(nil).Within(time.Second); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// TestBetween: what the buckets prove of a time within one of them.
func TestBetween(t *testing.T) {
	h := NewHistogram([]Bucket{{100 * time.Millisecond, 5}, {200 * time.Millisecond, 7}, {time.Second, 11}, {Endless, 12}})
	for d, want := range map[time.Duration]struct {
		least, most  float64
		lower, upper time.Duration
	}{
		0:                      {0, 5, 0, 100 * time.Millisecond},
		100 * time.Millisecond: {5, 5, 0, 100 * time.Millisecond},
		150 * time.Millisecond: {5, 7, 100 * time.Millisecond, 200 * time.Millisecond},
		time.Second:            {11, 11, 200 * time.Millisecond, time.Second},
		time.Hour:              {11, 12, time.Second, Endless},
		Endless:                {12, 12, time.Second, Endless},
	} {
		if least, most := h.Between(d); least != want.least || most != want.most {
			t.Errorf("within %s: %v to %v, want %v to %v", d, least, most, want.least, want.most)
		}
		if lower, upper := h.Around(d); lower != want.lower || upper != want.upper {
			t.Errorf("around %s: %s to %s, want %s to %s", d, lower, upper, want.lower, want.upper)
		}
	}
	if least, most := Histogram(nil).Between(time.Second); least != 0 || most != 0 {
		t.Errorf("of nothing: %v to %v", least, most)
	}
}
