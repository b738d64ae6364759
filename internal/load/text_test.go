// SPDX-License-Identifier: Apache-2.0

package load

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	at := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	r := Result{
		Snapshot: Snapshot{
			Seconds: 30, Rate: 100, Requests: 3000, OK: 2998, Failed: 2,
			Kinds:    map[string]int64{"status 502": 1, KindConnect: 1},
			Blamed:   map[string]int64{"reviews v4": 1, Unattributed: 1},
			Versions: map[string]Count{"reviews=v4": {9, 1}, "reviews=v1": {90, 0}},
			Latency:  Latency{P50: 4.26, P95: 8, P99: 12.4, Max: 100},
		},
		Samples: []Sample{
			{Due: at, Kind: "status 502", Reason: "on\npurpose", Body: "not this"}, {Due: at, Kind: "status 502", Body: "again"},
			{Due: at, Kind: KindConnect, Error: "refused"},
		},
	}
	var got strings.Builder
	if err := r.Table(&got); err != nil {
		t.Fatal(err)
	}
	want := `requests           3000        in 30.0 s, 100.0/s sent
ok                 2998        99.933 %
failed             2           0.067 %
  connect          1           
  status 502       1           
  by reviews v4    1           
  by unattributed  1           
latency            p50 4.3 ms  p95 8.0 ms  p99 12 ms  max 100 ms
reviews=v1         90          0 failed
reviews=v4         10          1 failed
first status 502: 10:00:00.000 on purpose
first connect: 10:00:00.000 refused
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLine(t *testing.T) {
	s := Snapshot{Seconds: 12.3, Requests: 1230, Failed: 1, InFlight: 2, Last: Second{Requests: 100, Latency: Latency{P95: 8}}}
	if got, want := s.Line(), "  12s  1230 requests  1 failed  100/s  p95 8.0 ms  2 in flight"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
