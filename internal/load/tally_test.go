// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTallySeries(t *testing.T) {
	clock := newFake()
	tally := newTally(clock.Now(), Options{Rate: 2})
	tally.sent(clock.Now())
	clock.add(500 * time.Millisecond)
	tally.answered(clock.Now(), outcome{latency: 500 * time.Millisecond, versions: []string{"reviews=v1"}})
	tally.dropped(clock.Now())
	clock.add(2 * time.Second)
	tally.sent(clock.Now())
	tally.answered(clock.Now(), outcome{kind: "status 503", latency: time.Millisecond, versions: []string{"reviews=v2"}})
	tally.finish(clock.Now())
	got := tally.result(clock.Now())
	want := []Second{
		{
			At: 0, Requests: 2, OK: 1, Failed: 1, Versions: map[string]int64{"reviews=v1": 1},
			Latency: Latency{P50: 500.223, P95: 500.223, P99: 500.223, Max: 500.223},
		},
		{At: 1},
		{
			At: 2, Requests: 1, Failed: 1, Versions: map[string]int64{"reviews=v2": 1},
			Latency: Latency{P50: 1, P95: 1, P99: 1, Max: 1},
		},
	}
	if diff := cmp.Diff(want, got.Series); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	wantKinds := map[string]int64{KindDropped: 1, "status 503": 1}
	if diff := cmp.Diff(wantKinds, got.Kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if got.Requests != 3 || got.Sent != 2 || got.OK != 1 || got.Failed != 2 || got.InFlight != 0 {
		t.Errorf("totals: got %+v", got.Snapshot)
	}
}

func TestTallyQuantiles(t *testing.T) {
	clock := newFake()
	tally := newTally(clock.Now(), Options{Rate: 100})
	for i := 1; i <= 1000; i++ {
		tally.answered(clock.Now(), outcome{latency: time.Duration(i) * time.Millisecond})
	}
	got := tally.snapshot(clock.Now()).Latency
	for name, q := range map[string]struct{ got, want float64 }{
		"P50": {got.P50, 500}, "P95": {got.P95, 950}, "P99": {got.P99, 990}, "Max": {got.Max, 1000},
	} {
		if q.got < q.want*0.999 || q.got > q.want*1.001 {
			t.Errorf("%s: got %v ms, want %v ms within a thousandth", name, q.got, q.want)
		}
	}
}

func TestTallyIsBounded(t *testing.T) {
	clock := newFake()
	tally := newTally(clock.Now(), Options{Rate: 1, FailedHeader: "f", MaxSamples: 2})
	for i := range 5000 {
		clock.add(time.Second)
		name := fmt.Sprint("v", i)
		tally.answered(clock.Now(), outcome{kind: KindTimeout, versions: []string{name}, blamed: []string{name}})
	}
	got := tally.result(clock.Now())
	if len(got.Series) != maxSeries || got.Series[maxSeries-1].At != 4999 {
		t.Errorf("series: got %d seconds", len(got.Series))
	}
	if len(got.Samples) != 2 || len(got.Versions) > maxNames+1 || len(got.Blamed) > maxNames+1 {
		t.Errorf("got %d samples, %d versions, %d blamed", len(got.Samples), len(got.Versions), len(got.Blamed))
	}
	if got.Versions[others].Failed != 4900 {
		t.Errorf("others: got %+v", got.Versions[others])
	}
}
