// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"testing"
	"time"
)

func TestFailed(t *testing.T) {
	for _, test := range []struct {
		name   string
		labels map[string]string
		want   bool
	}{
		{"ok", map[string]string{"response_code": "200", "response_flags": "-", "grpc_response_status": ""}, false},
		{"the caller's fault", map[string]string{"response_code": "404", "response_flags": "-"}, false},
		{"the server's fault", map[string]string{"response_code": "500", "response_flags": "-"}, true},
		{"no healthy upstream", map[string]string{"response_code": "503", "response_flags": "UH"}, true},
		{"no answer", map[string]string{"response_code": "0", "response_flags": "DC"}, true},
		{"no code at all", map[string]string{"response_flags": "-"}, true},
		{"gRPC without an upstream", map[string]string{"response_code": "200", "response_flags": "UF,URX"}, true},
		{"gRPC unavailable", map[string]string{"response_code": "200", "grpc_response_status": "14"}, true},
		{"gRPC not found", map[string]string{"response_code": "200", "grpc_response_status": "5"}, false},
		{"gRPC ok", map[string]string{"response_code": "200", "grpc_response_status": "0"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := failed(test.labels); got != test.want {
				t.Errorf("failed(%v) = %t", test.labels, got)
			}
		})
	}
}

func TestCount(t *testing.T) {
	of := func(version, code string, points []point) series {
		return series{labels: map[string]string{"destination_version": version, "response_code": code}, points: points}
	}
	all := []series{
		of("v2", "200", scraped(-1, 0, 1, 10, 2, 15)),
		of("v2", "200", scraped(5, 7)), // another caller, later
		of("v2", "503", scraped(-1, 0, 1, 1, 2, 3)),
		of(unknown, "503", scraped(-1, 0, 1, 1, 2, 2)),
		of(unknown, "200", scraped(-1, 0, 1, 1, 2, 900)), // an answer of somebody whose version is not known
	}
	requests, failures := count(all, epoch, time.Second)
	if requests != 5+7+2+1 || failures != 2+1 {
		t.Errorf("count = %g requests, %g failed; want 15 and 3", requests, failures)
	}
}

func TestLatency(t *testing.T) {
	of := func(le string, points []point) series {
		return series{labels: map[string]string{"destination_version": "v2", "response_code": "200", "le": le}, points: points}
	}
	all := []series{
		of("100", scraped(-1, 50, 1, 50, 2, 55)),
		of("200", scraped(-1, 50, 1, 50, 2, 60)),
		of("+Inf", scraped(-1, 50, 1, 50, 2, 60)),
		of("broken", scraped(-1, 0, 1, 0, 2, 99)),
	}
	for _, test := range []struct {
		name string
		q    float64
		all  []series
		want time.Duration
	}{
		{"median", 0.5, all, 100 * time.Millisecond},
		{"P99", 0.99, all, 198 * time.Millisecond},
		{"none", 0.5, nil, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := latency(test.q, test.all, epoch, time.Second); got.Round(time.Microsecond) != test.want && got != test.want {
				t.Errorf("latency = %s, want %s", got, test.want)
			}
		})
	}
}
