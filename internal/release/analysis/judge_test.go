// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func both() api.Analysis {
	return api.Analysis{
		MinRequests: 50,
		SuccessRate: &api.SuccessRate{MinPercent: 99},
		Latency:     &api.Latency{Quantile: "P95", Max: metav1.Duration{Duration: 300 * time.Millisecond}},
	}
}

func TestJudge(t *testing.T) {
	ms := time.Millisecond
	nan := math.NaN()
	for name, c := range map[string]struct {
		want    api.Analysis
		sample  mesh.Sample
		err     error
		early   bool
		result  api.VerdictResult
		message string
	}{
		"within both bounds": {
			want: both(), sample: mesh.Sample{Requests: 800, Failed: 1, Latency: 120 * ms},
			result: api.VerdictPass, message: "success 99.87 %, P95 120 ms (800 requests)",
		},
		"exactly on both bounds": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: 1, Latency: 300 * ms},
			result: api.VerdictPass, message: "success 99 %, P95 300 ms (100 requests)",
		},
		"too many failures": {
			want: both(), sample: mesh.Sample{Requests: 1000, Failed: 52, Latency: 120 * ms},
			result: api.VerdictFail, message: "success 94.8 % is below 99 % (1000 requests)",
		},
		"too slow": {
			want: both(), sample: mesh.Sample{Requests: 1000, Latency: 300*ms + 1},
			result: api.VerdictFail, message: "P95 301 ms is above 300 ms (1000 requests)",
		},
		"both broken": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: 100, Latency: 2345 * ms},
			result: api.VerdictFail, message: "success 0 % is below 99 %, P95 2.35 s is above 300 ms (100 requests)",
		},
		"barely below never reads as reached": {
			want: both(), sample: mesh.Sample{Requests: 1e6, Failed: 10001, Latency: 0},
			result: api.VerdictFail, message: "success 98.99 % is below 99 % (1000000 requests)",
		},
		"a bound with many digits": {
			want:   api.Analysis{SuccessRate: &api.SuccessRate{MinPercent: 99.995}},
			sample: mesh.Sample{Requests: 1e6, Failed: 51},
			result: api.VerdictFail, message: "success 99.9949 % is below 99.995 % (1000000 requests)",
		},
		"too few requests": {
			want: both(), sample: mesh.Sample{Requests: 49.4, Failed: 49, Latency: 9 * time.Second},
			result: api.VerdictNoData, message: "49 requests seen, at least 50 needed",
		},
		"no requests": {
			want: both(), sample: mesh.Sample{Latency: -1},
			result: api.VerdictNoData, message: "0 requests seen, at least 50 needed",
		},
		"requests without a latency": {
			want: both(), sample: mesh.Sample{Requests: 100, Latency: -1},
			result: api.VerdictNoData, message: "P95 was not measured (100 requests)",
		},
		"failing counts even without a latency": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: 50, Latency: -1},
			result: api.VerdictFail, message: "success 50 % is below 99 % (100 requests)",
		},
		"early: one failure may be chance": {
			want: both(), sample: mesh.Sample{Requests: 60, Failed: 1, Latency: 10 * ms}, early: true,
			result: api.VerdictNoData, message: "success 98.33 % is below 99 % so far, which may be chance (60 requests)",
		},
		"not early: the bound is the bound": {
			want: both(), sample: mesh.Sample{Requests: 60, Failed: 1, Latency: 10 * ms},
			result: api.VerdictFail, message: "success 98.33 % is below 99 % (60 requests)",
		},
		"early: three failures of fifty are no chance": {
			want: both(), sample: mesh.Sample{Requests: 50, Failed: 3, Latency: 10 * ms}, early: true,
			result: api.VerdictFail, message: "success 94 % is below 99 % (50 requests)",
		},
		"early: twice the bound may be warm-up": {
			want: both(), sample: mesh.Sample{Requests: 60, Latency: 600 * ms}, early: true,
			result: api.VerdictNoData, message: "P95 600 ms is above 300 ms so far, which may be warm-up (60 requests)",
		},
		"early: more than twice the bound is not": {
			want: both(), sample: mesh.Sample{Requests: 60, Latency: 601 * ms}, early: true,
			result: api.VerdictFail, message: "P95 601 ms is above 300 ms (60 requests)",
		},
		"early: all must succeed, one did not": {
			want: api.Analysis{SuccessRate: &api.SuccessRate{MinPercent: 100}}, sample: mesh.Sample{Requests: 1000, Failed: 1}, early: true,
			result: api.VerdictFail, message: "success 99.9 % is below 100 % (1000 requests)",
		},
		"only enough requests are asked for": {
			want: api.Analysis{}, sample: mesh.Sample{Requests: 50, Failed: 50},
			result: api.VerdictPass, message: "50 requests",
		},
		"more failed than asked, as extrapolation may say": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: 101.3, Latency: 0},
			result: api.VerdictFail, message: "success 0 % is below 99 % (100 requests)",
		},
		"less than nothing failed": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: -3, Latency: 500 * time.Microsecond},
			result: api.VerdictPass, message: "success 100 %, P95 0.5 ms (100 requests)",
		},
		"metrics down": {
			want: both(), err: errors.New("dial tcp:\n connection refused"),
			result: api.VerdictError, message: "the metrics cannot be read: dial tcp: connection refused",
		},
		"metrics down, with the query of this moment around it": {
			want: both(), err: fmt.Errorf("query requests[31s]: %w; check the URL", errors.New("connection refused")),
			result: api.VerdictError, message: "the metrics cannot be read: connection refused",
		},
		"not a number": {
			want: both(), sample: mesh.Sample{Requests: nan},
			result: api.VerdictError, message: "the metrics cannot be read: the answer is not a number",
		},
		"failures not a number": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: nan},
			result: api.VerdictError, message: "the metrics cannot be read: the answer is not a number",
		},
		"endless": {
			want: both(), sample: mesh.Sample{Requests: math.Inf(1)},
			result: api.VerdictError, message: "the metrics cannot be read: the answer is not a number",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Judge(now, c.want, Case{Sample: c.sample, Err: c.err, Window: 30 * time.Second, Early: c.early})
			if got.Result != c.result || got.Message != c.message {
				t.Errorf("want %s %q\n got %s %q", c.result, c.message, got.Result, got.Message)
			}
			if !got.At.Equal(&metav1.MicroTime{Time: now}) {
				t.Errorf("want the verdict of %s, got %s", now, got.At)
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	got := Judge(now, both(), Case{
		Window: 31*time.Second + 300*time.Millisecond,
		Sample: mesh.Sample{
			Requests: 800, Failed: 8, Latency: 1500 * time.Millisecond,
			Queries: map[string]string{"requests": "sum(r)", "failed": "sum(f)", "latency": "quantile(l)"},
		},
	})
	want := []api.Evidence{
		{Name: "requests", Value: "800", Bound: "at least 50", Query: "sum(r)", Window: "31s"},
		{Name: "success", Value: "99 %", Bound: "at least 99 %", Query: "sum(f)", Window: "31s"},
		{Name: "P95", Value: "1.5 s", Bound: "at most 300 ms", Query: "quantile(l)", Window: "31s"},
	}
	if diff := cmp.Diff(want, got.Evidence); diff != "" {
		t.Errorf("want, got: %s", diff)
	}
	if got.Requests != 800 {
		t.Errorf("want 800 requests, got %d", got.Requests)
	}
}

func TestFraction(t *testing.T) {
	for q, want := range map[api.Quantile]float64{"": 0.95, "P50": 0.5, "P90": 0.9, "P95": 0.95, "P99": 0.99} {
		if got := Fraction(q); got != want {
			t.Errorf("%q: want %v, got %v", q, want, got)
		}
	}
}

// TestAtMost holds Wilson's formula against its own definition: at the end of the interval, the share seen lies z
// standard deviations away.
func TestAtMost(t *testing.T) {
	for _, c := range []struct{ requests, failed float64 }{{50, 1}, {50, 3}, {1000, 20}, {1e6, 10001}, {50, 50}} {
		p, q := atMost(c.requests, c.failed), (c.requests-c.failed)/c.requests
		if got := (p - q) / math.Sqrt(p*(1-p)/c.requests); math.Abs(got-2.326) > 1e-6 {
			t.Errorf("%v of %v: want 2.326 standard deviations, got %v", c.failed, c.requests, got)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(800.0, 1.0, int64(120), false)
	f.Add(math.NaN(), 1.0, int64(-1), true)
	f.Fuzz(func(t *testing.T, requests, failed float64, latency int64, early bool) {
		c := Case{Sample: mesh.Sample{Requests: requests, Failed: failed, Latency: time.Duration(latency)}, Early: early}
		got := Judge(now, both(), c)
		if got.Message == "" || strings.Contains(got.Message, "NaN") || got.Requests < 0 {
			t.Errorf("an odd verdict: %+v", got)
		}
		if c.Early = false; early && got.Result == api.VerdictFail && Judge(now, both(), c).Result != api.VerdictFail {
			t.Errorf("fails early, but not later")
		}
		if diff := cmp.Diff(got, Judge(now, both(), Case{Sample: c.Sample, Early: early})); diff != "" {
			t.Errorf("the second verdict differs: %s", diff)
		}
	})
}
