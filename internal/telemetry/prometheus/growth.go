// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"slices"
	"time"
)

// point is one scrape of a counter.
type point struct {
	at    time.Time
	value float64
}

// series is a counter as it was scraped, oldest first.
type series struct {
	labels map[string]string
	points []point
}

// growth says by how much a counter grew after since, as far as its scrapes tell, without extrapolating.
//
// What was counted before the first scrape after since cannot be told from what came before since, so counting begins
// at that scrape. A counter that appears later than that, by the interval between scrapes, began within the window
// and counts from 0: that is how the counters of a new version start. An interval of 0 is unknown.
func growth(points []point, since time.Time, interval time.Duration) float64 {
	first := slices.IndexFunc(points, func(p point) bool { return p.at.After(since) })
	if first < 0 {
		return 0
	}
	inside := points[first:]
	var sum float64
	if first == 0 && interval > 0 && inside[0].at.Sub(since) > interval+interval/10 {
		sum = inside[0].value
	}
	for i := 1; i < len(inside); i++ {
		sum += step(inside[i-1].value, inside[i].value)
	}
	return sum
}

// step is the growth between two scrapes; a counter that fell was restarted from 0.
func step(before, after float64) float64 {
	if after < before {
		return after
	}
	return after - before
}

// interval is the usual time between two scrapes, or 0 when no counter was scraped twice.
func interval(all []series) time.Duration {
	var gaps []time.Duration
	for _, s := range all {
		for i := 1; i < len(s.points); i++ {
			gaps = append(gaps, s.points[i].at.Sub(s.points[i-1].at))
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}
