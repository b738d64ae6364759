// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir.dev/weir/internal/mesh"
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
	got := scrapes{all, epoch, time.Second}.count("v2")
	if want := (mesh.Sample{Requests: 5 + 7 + 2 + 1, Failed: 2 + 1, Lost: 1}); !cmp.Equal(got, want) {
		t.Errorf("count = %+v, want %+v", got, want)
	}
	if got, want := (scrapes{all, epoch, time.Second}).count("v1"), (mesh.Sample{Requests: 1, Failed: 1, Lost: 1}); !cmp.Equal(got, want) {
		t.Errorf("count = %+v, want %+v", got, want)
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
	want := mesh.Histogram{{Upper: 100 * time.Millisecond, Count: 5}, {Upper: 200 * time.Millisecond, Count: 10}, {Upper: mesh.Endless, Count: 10}}
	if diff := cmp.Diff(want, scrapes{all, epoch, time.Second}.latency("v2")); diff != "" {
		t.Errorf("want, got: %s", diff)
	}
	if got := (scrapes{nil, epoch, time.Second}).latency("v2"); got != nil {
		t.Errorf("a histogram of nothing: %v", got)
	}
}

func TestExtent(t *testing.T) {
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	c := scrapes{[]series{{points: scraped(-3, 1, 2, 5, 8, 6)}, {points: scraped(4, 1, 9, 1)}}, epoch, time.Second}
	if span, newest := c.extent(); span != 7*time.Second || newest != at(9) {
		t.Errorf("extent = %s until %s, want 7s until %s", span, newest, at(9))
	}
	c.all = []series{{points: scraped(-3, 1, -2, 5)}}
	if span, newest := c.extent(); span != 0 || newest != at(-2) {
		t.Errorf("before the window: extent = %s until %s, want 0s until %s", span, newest, at(-2))
	}
}
