// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Endless is the upper bound of a histogram's last bucket.
const Endless = time.Duration(math.MaxInt64)

// Bucket counts the requests that took at most Upper; it counts those of the buckets before it again.
type Bucket struct {
	Upper time.Duration
	Count float64
}

// Histogram is how long requests took: buckets by rising bound, the last of which is Endless. Within a bucket requests
// are taken to be spread evenly, and the first begins at 0; beyond the last bound nothing is known.
type Histogram []Bucket

// NewHistogram sorts the buckets and lets their counts never fall: differences of counters that were not scraped at the
// same instant may fall a little. Without an Endless bucket, or with nothing in it, the histogram is empty.
func NewHistogram(buckets []Bucket) Histogram {
	h := Histogram(slices.SortedFunc(slices.Values(buckets), func(a, b Bucket) int { return cmp.Compare(a.Upper, b.Upper) }))
	for i := 1; i < len(h); i++ {
		h[i].Count = max(h[i].Count, h[i-1].Count)
	}
	if n := len(h); n < 2 || h[n-1].Upper != Endless || h[n-1].Count <= 0 {
		return nil
	}
	return h
}

// Count is the number of requests.
func (h Histogram) Count() float64 {
	if len(h) == 0 {
		return 0
	}
	return h[len(h)-1].Count
}

// Within is how many requests took at most d. Those beyond the last bound count once d is that far, since nothing is
// known of them.
func (h Histogram) Within(d time.Duration) float64 {
	var below Bucket
	for _, b := range h {
		switch {
		case d >= b.Upper:
			below = b
			continue
		case b.Upper == Endless:
			return b.Count
		}
		part := float64(d-below.Upper) / float64(b.Upper-below.Upper)
		return below.Count + (b.Count-below.Count)*part
	}
	return h.Count()
}

// Between is how many requests took at most d, at the least and at the most: what the buckets prove, however requests are
// spread within them.
func (h Histogram) Between(d time.Duration) (least, most float64) {
	for _, b := range h {
		if b.Upper > d {
			return least, b.Count
		}
		if least = b.Count; b.Upper == d {
			return least, b.Count
		}
	}
	return least, h.Count()
}

// Around are the borders of the bucket that d lies in.
func (h Histogram) Around(d time.Duration) (lower, upper time.Duration) {
	for _, b := range h {
		if b.Upper >= d {
			return lower, b.Upper
		}
		lower = b.Upper
	}
	return lower, Endless
}

// Quantile is the time below which the share q of the requests lies, q being between 0 and 1; negative when there are no
// requests. It is the estimate of PromQL's histogram_quantile for classic histograms (promql/quantile.go, BucketQuantile).
func (h Histogram) Quantile(q float64) time.Duration {
	if len(h) == 0 {
		return -1
	}
	return h.At(q * h.Count())
}

// At is the time that the requests of this rank took, the fastest having rank 0; negative when there are no requests, and
// the last bound for those beyond it.
func (h Histogram) At(rank float64) time.Duration {
	last := len(h) - 1
	at := slices.IndexFunc(h, func(b Bucket) bool { return b.Count >= rank })
	switch {
	case last < 0:
		return -1
	case at == last || at < 0:
		return h[last-1].Upper
	}
	var below Bucket
	if at > 0 {
		below = h[at-1]
	}
	inside := h[at].Count - below.Count
	if inside <= 0 {
		return h[at].Upper
	}
	return below.Upper + time.Duration(float64(h[at].Upper-below.Upper)*(rank-below.Count)/inside)
}
