// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"strings"
	"testing"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// seen are so many requests, some of which failed, and some of which took longer than 250 ms, as Istio's proxies count them.
func seen(n, failed, slow float64) mesh.Sample {
	return mesh.Sample{Requests: n, Failed: failed, Latency: mesh.NewHistogram([]mesh.Bucket{
		{Upper: 50 * time.Millisecond, Count: n / 2}, {Upper: 100 * time.Millisecond, Count: 0.9 * (n - slow)}, {Upper: 250 * time.Millisecond, Count: n - slow},
		{Upper: 500 * time.Millisecond, Count: n}, {Upper: mesh.Endless, Count: n},
	})}
}

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		is, beside mesh.Sample
		result     api.VerdictResult
		says       string
	}{
		"as good": {seen(400, 1, 1), seen(3600, 9, 9), api.VerdictPass, "0.25 % failed"},
		"as good, after sixty requests": {
			seen(60, 0, 0), seen(540, 1, 1), api.VerdictNoData, "there are too few requests to tell whether more fail than of v1",
		},
		"as flawed": {seen(400, 80, 1), seen(3600, 720, 9), api.VerdictPass, "20 % failed"},
		"lucky, where one of seven is slow": {
			seen(120, 0, 7), seen(1080, 1, 2), api.VerdictNoData, "too few requests to tell whether P95 is above that of v1",
		},
		"three times as slow, which the buckets do not prove": {
			seen(1000, 0, 150), seen(9000, 9, 18), api.VerdictUndecided, "more than is allowed so far",
		},
		"worse":               {seen(400, 40, 1), seen(3600, 9, 9), api.VerdictFail, "which is more than is allowed"},
		"nothing to compare":  {seen(400, 0, 1), seen(49, 0, 0), api.VerdictNoData, "nothing to compare with"},
		"all fail, as beside": {seen(400, 400, 1), seen(3600, 3600, 9), api.VerdictPass, "100 % failed"},
	} {
		t.Run(name, func(t *testing.T) {
			want := api.Analysis{Compare: &api.Compare{MaxLatencyIncrease: new(50.0), Quantile: "P95"}}
			c.is.Beside = &c.beside
			got := Judge(now, want, Case{Sample: c.is, Window: time.Minute, Steps: 2, Beside: "v1"})
			if got.Result != c.result || !strings.Contains(got.Message, c.says) {
				t.Errorf("want %s with %q\n got %s %q", c.result, c.says, got.Result, got.Message)
			}
		})
	}
}

// TestComparisonNeedsFewRequests: a version that is as good passes after so many requests, most of which a step sees anyway.
func TestComparisonNeedsFewRequests(t *testing.T) {
	for name, c := range map[string]struct {
		want api.Compare
		most float64
	}{
		"failures": {api.Compare{}, 200},
		"P50":      {api.Compare{MaxLatencyIncrease: new(50.0), Quantile: "P50"}, 200},
		"P95":      {api.Compare{MaxLatencyIncrease: new(50.0), Quantile: "P95"}, 250},
		"P99":      {api.Compare{MaxLatencyIncrease: new(50.0), Quantile: "P99"}, 900},
	} {
		t.Run(name, func(t *testing.T) {
			n := 50.0
			for ; n < 10*c.most; n += 10 {
				is, beside := seen(n, 0, n/1000), seen(9*n, n/100, n/100)
				is.Beside = &beside
				if Judge(now, api.Analysis{Compare: &c.want}, Case{Sample: is, Steps: 2, Beside: "v1"}).Result == api.VerdictPass {
					break
				}
			}
			if t.Logf("%.0f requests", n); n > c.most || n <= 50 {
				t.Errorf("passes after %.0f requests, want at most %.0f", n, c.most)
			}
		})
	}
}
