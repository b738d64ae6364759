// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"testing"
	"time"
)

// epoch is when the windows of these tests begin.
var epoch = time.Unix(1_000_000, 0)

// scraped makes points out of pairs: seconds after the epoch, and a value.
func scraped(pairs ...float64) []point {
	points := make([]point, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		points = append(points, point{epoch.Add(time.Duration(pairs[i] * float64(time.Second))), pairs[i+1]})
	}
	return points
}

func TestGrowth(t *testing.T) {
	const every = 5 * time.Second
	for _, test := range []struct {
		name   string
		points []point
		every  time.Duration
		want   float64
	}{
		{"never scraped", nil, every, 0},
		{"gone before the window", scraped(-10, 3, -5, 4), every, 0},
		{"one scrape inside", scraped(-5, 4, 1, 9), every, 0},
		{"grows, from the first scrape inside", scraped(-5, 4, 1, 9, 6, 12, 11, 15), every, 6},
		{"scraped exactly at the start", scraped(0, 4, 5, 9, 10, 12), every, 3},
		{"restarts inside", scraped(-5, 90, 1, 100, 6, 110, 11, 3, 16, 7), every, 17},
		{"restarts twice", scraped(-5, 90, 1, 100, 6, 2, 11, 1, 16, 4), every, 6},
		{"restarts before the first scrape inside", scraped(-5, 90, 1, 2, 6, 5), every, 3},
		{"gone in the middle", scraped(-5, 4, 1, 9, 6, 12), every, 3},
		{"begins inside", scraped(7, 20, 12, 25), every, 25},
		{"begins inside and was scraped once", scraped(12, 25), every, 25},
		{"begins at the first scrape inside, which may tell of before", scraped(3, 20, 8, 25), every, 5},
		{"interval unknown", scraped(12, 25), 0, 0},
		{"begins inside and restarts", scraped(7, 20, 12, 5), every, 25},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := growth(test.points, epoch, test.every); got != test.want {
				t.Errorf("growth = %g, want %g", got, test.want)
			}
		})
	}
}

func TestInterval(t *testing.T) {
	for _, test := range []struct {
		name string
		all  []series
		want time.Duration
	}{
		{"nothing", nil, 0},
		{"scraped once", []series{{points: scraped(1, 1)}}, 0},
		{"usual", []series{{points: scraped(1, 1, 6, 1, 11, 1)}}, 5 * time.Second},
		{"a scrape was missed", []series{{points: scraped(1, 1, 11, 1, 16, 1, 21, 1)}}, 5 * time.Second},
		{"one of two was scraped once", []series{{points: scraped(3, 1)}, {points: scraped(1, 1, 6, 1)}}, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := interval(test.all); got != test.want {
				t.Errorf("interval = %s, want %s", got, test.want)
			}
		})
	}
}
