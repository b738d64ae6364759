// SPDX-License-Identifier: Apache-2.0

//go:build api

package prometheus_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir.dev/weir/internal/mesh"
)

// TestRealCallers sees with a real Prometheus what each of two pods sent to each version, before and after a change.
func TestRealCallers(t *testing.T) {
	callers := &exporter{counters: map[string]map[string]float64{"a": {}, "b": {}}, scrapes: map[string]int{}}
	measurer := start(t, callers)
	ask := func(host string, since ...time.Time) mesh.Traffic {
		t.Helper()
		got, err := measurer.Callers(t.Context(), host, since, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	callers.await(t, 2)
	begin := time.Now()
	if got := ask(host, begin.Add(-time.Minute)); got.Alive || len(got.Callers) > 0 {
		t.Errorf("before anybody called: %+v", got)
	}
	callers.serve("a", "v1", "200", 1, 0)
	callers.serve("b", "v1", "200", 1, 0)
	callers.await(t, 2)
	callers.serve("a", "v1", "200", 1, 80)
	callers.serve("a", "v1", "503", 1, 10)
	callers.serve("b", "v1", "200", 1, 7)
	callers.serve("b", "unknown", "503", 1, 5)
	callers.await(t, 2)
	change := time.Now()
	callers.await(t, 2)
	callers.serve("a", "v1", "200", 1, 20)
	callers.serve("a", "v2", "200", 1, 30)
	callers.await(t, 2)

	got := ask(host, change, begin)
	want := []mesh.Caller{
		{Workload: "shop/page", Proxy: "shop/a", Sent: []map[string]float64{{"v1": 20, "v2": 30}, {"v1": 110, "v2": 30}}},
		{Workload: "shop/page", Proxy: "shop/b", Sent: []map[string]float64{{"v1": 0}, {"v1": 7}}},
	}
	if diff := cmp.Diff(want, got.Callers); diff != "" {
		t.Error("-want +got\n" + diff)
	}
	if age := time.Since(got.Newest); !got.Alive || age > 2*time.Second || got.Every < 400*time.Millisecond || got.Every > 600*time.Millisecond {
		t.Errorf("alive %v, newest %s old, every %s", got.Alive, age, got.Every)
	}
	if other := ask("ratings.shop.svc.cluster.local", begin); !other.Alive || len(other.Callers) > 0 {
		t.Errorf("of a host that nobody calls: %+v", other)
	}
}
