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
			want: both(), sample: mesh.Sample{Requests: 800, Failed: 1, Latency: took(800, 120*ms)},
			result: api.VerdictPass, message: "success 99.87 %, P95 120 ms (800 requests)",
		},
		"exactly on both bounds": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: 1, Latency: took(100, 300*ms)},
			result: api.VerdictPass, message: "success 99 %, P95 300 ms (100 requests)",
		},
		"too many failures": {
			want: both(), sample: mesh.Sample{Requests: 1000, Failed: 52, Latency: took(1000, 120*ms)},
			result: api.VerdictFail, message: "success 94.8 % is below 99 % (1000 requests)",
		},
		"too slow": {
			want: both(), sample: mesh.Sample{Requests: 1000, Latency: took(1000, 350*ms)},
			result: api.VerdictFail, message: "P95 350 ms is above 300 ms (1000 requests)",
		},
		"barely too slow may be chance": {
			want: both(), sample: mesh.Sample{Requests: 1000, Latency: took(1000, 300*ms+1)},
			result: api.VerdictUndecided, message: "P95 301 ms is above 300 ms so far, which may be chance (1000 requests)",
		},
		"within the bucket of the bound nobody can tell": {
			want: both(), sample: mesh.Sample{Requests: 1000, Latency: coarse(1000)},
			result:  api.VerdictUndecided,
			message: "P95 is between 250 ms and 500 ms, and proxies do not count finer; a bound of either can be decided (1000 requests)",
		},
		"both broken": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: 100, Latency: took(100, 2345*ms)},
			result: api.VerdictFail, message: "success 0 % is below 99 %, P95 2.35 s is above 300 ms (100 requests)",
		},
		"barely below never reads as reached": {
			want: both(), sample: mesh.Sample{Requests: 1e6, Failed: 10001, Latency: took(1e6, 1)},
			result: api.VerdictUndecided, message: "success 98.99 % is below 99 % so far, which may be chance (1000000 requests)",
		},
		"a bound with many digits": {
			want:   api.Analysis{SuccessRate: &api.SuccessRate{MinPercent: 99.995}},
			sample: mesh.Sample{Requests: 1e6, Failed: 51},
			result: api.VerdictUndecided, message: "success 99.9949 % is below 99.995 % so far, which may be chance (1000000 requests)",
		},
		"too few requests": {
			want: both(), sample: mesh.Sample{Requests: 49.4, Failed: 49, Latency: took(49.4, 9*time.Second)},
			result: api.VerdictNoData, message: "49 requests seen, at least 50 needed",
		},
		"no requests": {
			want: both(), sample: mesh.Sample{},
			result: api.VerdictNoData, message: "0 requests seen, at least 50 needed",
		},
		"requests without a latency": {
			want: both(), sample: mesh.Sample{Requests: 100},
			result: api.VerdictNoData, message: "P95 was not measured (100 requests)",
		},
		"failing counts even without a latency": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: 50},
			result: api.VerdictFail, message: "success 50 % is below 99 % (100 requests)",
		},
		"one failure may be chance": {
			want: both(), sample: mesh.Sample{Requests: 60, Failed: 1, Latency: took(60, 10*ms)},
			result: api.VerdictUndecided, message: "success 98.33 % is below 99 % so far, which may be chance (60 requests)",
		},
		"three failures of fifty may be, when one looks every second": {
			want: both(), sample: mesh.Sample{Requests: 50, Failed: 3, Latency: took(50, 10*ms)},
			result: api.VerdictUndecided, message: "success 94 % is below 99 % so far, which may be chance (50 requests)",
		},
		"seven failures of fifty are no chance": {
			want: both(), sample: mesh.Sample{Requests: 50, Failed: 7, Latency: took(50, 10*ms)},
			result: api.VerdictFail, message: "success 86 % is below 99 % (50 requests)",
		},
		"early: twice the bound may be warm-up": {
			want: both(), sample: mesh.Sample{Requests: 60, Latency: took(60, 600*ms)}, early: true,
			result: api.VerdictUndecided, message: "P95 600 ms is above 300 ms so far, which may be warm-up (60 requests)",
		},
		"early: far more than twice the bound is not": {
			want: both(), sample: mesh.Sample{Requests: 60, Latency: took(60, 1200*ms)}, early: true,
			result: api.VerdictFail, message: "P95 1.2 s is above 300 ms (60 requests)",
		},
		"not early: twice the bound is too much": {
			want: both(), sample: mesh.Sample{Requests: 60, Latency: took(60, 600*ms)},
			result: api.VerdictFail, message: "P95 600 ms is above 300 ms (60 requests)",
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
			want: both(), sample: mesh.Sample{Requests: 100, Failed: 101.3, Latency: took(100, 1)},
			result: api.VerdictFail, message: "success 0 % is below 99 % (100 requests)",
		},
		"less than nothing failed": {
			want: both(), sample: mesh.Sample{Requests: 100, Failed: -3, Latency: took(100, 500*time.Microsecond)},
			result: api.VerdictPass, message: "success 100 %, P95 0.5 ms (100 requests)",
		},
		"the error budget is used up, however few requests there are": {
			want: api.Analysis{ErrorBudget: &api.ErrorBudget{MaxFailures: 3}}, sample: mesh.Sample{Requests: 10, Failed: 4}, early: true,
			result: api.VerdictFail, message: "4 failed, where 3 may (10 requests)",
		},
		"within the error budget": {
			want: api.Analysis{ErrorBudget: &api.ErrorBudget{MaxFailures: 3}}, sample: mesh.Sample{Requests: 100, Failed: 3},
			result: api.VerdictPass, message: "3 failed (100 requests)",
		},
		"callers got no answer": {
			want: api.Analysis{Unanswered: &api.Unanswered{MaxPercent: 1}}, sample: mesh.Sample{Requests: 100, Failed: 30, Unanswered: 20},
			result: api.VerdictFail, message: "20 % without an answer is above 1 % (100 requests)",
		},
		"faults are answers": {
			want: api.Analysis{Unanswered: &api.Unanswered{}}, sample: mesh.Sample{Requests: 100, Failed: 30},
			result: api.VerdictPass, message: "0 % without an answer (100 requests)",
		},
		"too few requests a second": {
			want:   api.Analysis{RequestRate: &api.RequestRate{Min: new(10.0), Max: new(100.0)}},
			sample: mesh.Sample{Requests: 100, Span: 20 * time.Second},
			result: api.VerdictFail, message: "5/s is below 10/s (100 requests)",
		},
		"too many requests a second": {
			want: api.Analysis{RequestRate: &api.RequestRate{Max: new(3.0)}}, sample: mesh.Sample{Requests: 100, Span: 20 * time.Second},
			result: api.VerdictFail, message: "5/s is above 3/s (100 requests)",
		},
		"a few requests a second more may be chance": {
			want: api.Analysis{RequestRate: &api.RequestRate{Max: new(4.5)}}, sample: mesh.Sample{Requests: 100, Span: 20 * time.Second},
			result: api.VerdictUndecided, message: "5/s is above 4.5/s so far, which may be chance (100 requests)",
		},
		"requests a second within bounds": {
			want:   api.Analysis{RequestRate: &api.RequestRate{Min: new(1.0), Max: new(9.0)}},
			sample: mesh.Sample{Requests: 100, Span: 20 * time.Second},
			result: api.VerdictPass, message: "5/s, 5/s (100 requests)",
		},
		"requests without a time": {
			want: api.Analysis{RequestRate: &api.RequestRate{Min: new(1.0)}}, sample: mesh.Sample{Requests: 100},
			result: api.VerdictNoData, message: "the rate was not measured (100 requests)",
		},
		"stale": {
			want: both(), sample: mesh.Sample{Requests: 1000, Age: 50 * time.Second, Every: 5 * time.Second},
			result: api.VerdictError, message: "the metrics cannot be read: the newest value is 50s old; see whether the proxies are still scraped",
		},
		"not stale where scrapes are rare": {
			want: api.Analysis{}, sample: mesh.Sample{Requests: 1000, Age: 80 * time.Second, Every: 30 * time.Second},
			result: api.VerdictPass, message: "1000 requests",
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

// took is a histogram of n requests whose P95 is d: they are spread evenly up to d, and beyond it up to twice as much.
func took(n float64, d time.Duration) mesh.Histogram {
	const fine = 20
	buckets := []mesh.Bucket{{Upper: 2 * d, Count: n}, {Upper: mesh.Endless, Count: n}}
	for i := range fine {
		part := float64(i+1) / fine
		buckets = append(buckets, mesh.Bucket{Upper: time.Duration(float64(d) * part), Count: 0.95 * n * part})
	}
	return mesh.NewHistogram(buckets)
}

// coarse is a histogram of n requests that all took between 250 ms and 500 ms, as Istio's proxies count them.
func coarse(n float64) mesh.Histogram {
	return mesh.NewHistogram([]mesh.Bucket{
		{Upper: 100 * time.Millisecond}, {Upper: 250 * time.Millisecond}, {Upper: 500 * time.Millisecond, Count: n}, {Upper: mesh.Endless, Count: n},
	})
}

func TestEvidence(t *testing.T) {
	got := Judge(now, both(), Case{
		Window: 31*time.Second + 300*time.Millisecond, Steps: 2,
		Sample: mesh.Sample{
			Requests: 800, Failed: 8, Latency: took(800, 1500*time.Millisecond),
			Asked: map[string]string{"requests": "sum(r)", "failed": "sum(f)", "latency": strings.Repeat("quantile", 1000)},
		},
	})
	want := []api.Evidence{
		{Name: "requests", Value: "800", Bound: "at least 50", Result: api.VerdictPass, Query: "sum(r)", Window: "31s"},
		{
			Name: "success", Value: "99 %", Bound: "at least 99 %", Result: api.VerdictPass,
			Confidence: "between 96.46 % and 99.86 %, with a confidence of 99.875 %", Query: "sum(f)", Window: "31s",
		},
		{
			Name: "P95", Value: "1.5 s", Bound: "at most 300 ms", Result: api.VerdictFail,
			Confidence: "between 1.43 s and 3 s, with a confidence of 99.875 %",
			Query:      strings.Repeat("quantile", 125), Window: "31s",
		},
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

func FuzzJudge(f *testing.F) {
	f.Add(800.0, 1.0, int64(120), false)
	f.Add(math.NaN(), 1.0, int64(-1), true)
	f.Fuzz(func(t *testing.T, requests, failed float64, latency int64, early bool) {
		sample := mesh.Sample{
			Requests: requests, Failed: failed, Latency: took(requests, time.Duration(latency)),
			Beside: &mesh.Sample{Requests: failed, Failed: requests, Latency: took(failed, 1)},
		}
		want := both()
		want.Compare = &api.Compare{MaxLatencyIncrease: new(10.0)}
		c := Case{Sample: sample, Early: early, Beside: "v1"}
		got := Judge(now, want, c)
		if got.Message == "" || strings.Contains(got.Message, "NaN") || got.Requests < 0 {
			t.Errorf("an odd verdict: %+v", got)
		}
		if c.Early = false; early && got.Result == api.VerdictFail && Judge(now, want, c).Result != api.VerdictFail {
			t.Errorf("fails early, but not later")
		}
		if diff := cmp.Diff(got, Judge(now, want, Case{Sample: sample, Early: early, Beside: "v1"})); diff != "" {
			t.Errorf("the second verdict differs: %s", diff)
		}
	})
}
