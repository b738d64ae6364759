// SPDX-License-Identifier: Apache-2.0

package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// longest is the longest latency told apart, in microseconds; a longer one counts as this.
	longest = int64(10 * time.Minute / time.Microsecond)
	// precision is in significant decimal digits.
	precision = 3
)

// histogram holds latencies in microseconds.
type histogram struct{ h *hdrhistogram.Histogram }

func newHistogram() histogram { return histogram{hdrhistogram.New(1, longest, precision)} }

func (h histogram) record(d time.Duration) {
	h.h.RecordValue(min(max(d.Microseconds(), 1), longest)) //nolint:errcheck // the value is within bounds.
}

func (h histogram) latency() Latency {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	if h.h.TotalCount() == 0 {
		return Latency{}
	}
	return Latency{
		P50: ms(h.h.ValueAtQuantile(50)), P95: ms(h.h.ValueAtQuantile(95)), P99: ms(h.h.ValueAtQuantile(99)), Max: ms(h.h.Max()),
	}
}
