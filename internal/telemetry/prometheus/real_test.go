// SPDX-License-Identifier: Apache-2.0

//go:build api

package prometheus_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir.dev/weir/cluster/part"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/telemetry/prometheus"
)

const host = "reviews.shop.svc.cluster.local"

// TestRealPrometheus measures with a real Prometheus what two callers counted: one version that began before the window
// and one that begins in it, while the proxy of one caller restarts, and the other caller's pod goes away.
func TestRealPrometheus(t *testing.T) {
	callers := &exporter{counters: map[string]map[string]float64{"a": {}, "b": {}}, scrapes: map[string]int{}}
	measurer := start(t, callers)

	callers.serve("a", "v1", "200", 30, 1000)
	callers.serve("b", "v1", "200", 30, 500)
	callers.serve("b", "v1", "503", 2000, 50)
	callers.await(t, 3)
	measureLong(t, measurer)
	since := time.Now()
	callers.await(t, 2)

	callers.serve("a", "v1", "200", 70, 90)
	callers.serve("a", "v2", "200", 150, 40)
	callers.serve("b", "v1", "200", 30, 10)
	callers.await(t, 2)
	callers.restart("a")
	callers.serve("a", "v1", "200", 70, 5)
	callers.serve("a", "v2", "200", 250, 10)
	callers.serve("a", "v2", "500", 250, 3)
	callers.serve("a", "unknown", "503", 0, 2)
	callers.serve("b", "v1", "503", 30, 4)
	callers.serve("b", "v2", "0", 6000, 1)
	callers.await(t, 2)
	callers.leave("b")
	callers.await(t, 2)

	for version, want := range map[string]struct {
		Requests, Failed float64
		Latency          time.Duration
	}{
		// 90 + 10 + 5 + 4 + 2 unknown. P50 of 111: 14 in (25, 50] and 2 in (0, 25] come first, 95 lie in (50, 100].
		"v1": {Requests: 111, Failed: 6, Latency: millis(50 + 50*(55.5-16)/95)},
		// 40 + 10 + 3 + 1 + 2 unknown. P50 of 56: 2 in (0, 25], 40 in (100, 200].
		"v2": {Requests: 56, Failed: 6, Latency: millis(100 + 100*(28.0-2)/40)},
	} {
		w := mesh.Window{Host: host, Namespace: "shop", Version: version, Since: since, Until: time.Now(), Quantile: 0.5}
		got, err := measurer.Measure(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		if got.Requests != want.Requests || got.Failed != want.Failed {
			t.Errorf("%s: %g requests, %g failed; want %g, %g", version, got.Requests, got.Failed, want.Requests, want.Failed)
		}
		if is := got.Latency.Quantile(0.5); (is - want.Latency).Abs() > time.Microsecond {
			t.Errorf("%s: latency %s, want %s", version, is, want.Latency)
		}
		t.Logf("%s: %+v", version, got)
	}

	since = time.Now()
	callers.await(t, 3)
	w := mesh.Window{Host: host, Namespace: "shop", Version: "v2", Since: since, Until: time.Now(), Quantile: 0.5}
	if got, err := measurer.Measure(t.Context(), w); err != nil || got.Requests != 0 || got.Latency != nil {
		t.Errorf("a later window measures %+v, %v; want nothing of what was before", got, err)
	}
}

// measureLong measures a window that is read at steps instead of scrape by scrape, and that all counters began in.
func measureLong(t *testing.T, measurer *prometheus.Measurer) {
	until := time.Now()
	w := mesh.Window{Host: host, Namespace: "shop", Version: "v1", Since: until.Add(-time.Hour), Until: until, Quantile: 0.5}
	got, err := measurer.Measure(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	// P50 of 1550, the 1500 of 30 ms being in (25, 50].
	if want := millis(25 + 25*775.0/1500); got.Requests != 1550 || got.Failed != 50 || (got.Latency.Quantile(0.5)-want).Abs() > time.Microsecond {
		t.Errorf("an hour: %g requests, %g failed, latency %s; want 1550, 50, %s", got.Requests, got.Failed, got.Latency.Quantile(0.5), want)
	}
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// bounds of the exporter's buckets, in ms.
var bounds = []float64{25, 50, 100, 200, 500}

// exporter is the proxies of two callers, a and b, each with its own page of metrics.
type exporter struct {
	mu       sync.Mutex
	counters map[string]map[string]float64
	scrapes  map[string]int
}

// serve counts n requests of a caller to a version, each of so many ms.
func (e *exporter) serve(caller, version, code string, ms, n float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	labels := fmt.Sprintf(`reporter="source",source_workload_namespace="shop",source_workload="page",destination_service="%s",`+
		`destination_version="%s",response_code="%s",response_flags="-"`, host, version, code)
	page := e.counters[caller]
	page["istio_requests_total{"+labels+"}"] += n
	for _, bound := range bounds {
		name := fmt.Sprintf(`istio_request_duration_milliseconds_bucket{%s,le="%g"}`, labels, bound)
		page[name] += 0
		if ms <= bound {
			page[name] += n
		}
	}
	page[`istio_request_duration_milliseconds_bucket{`+labels+`,le="+Inf"}`] += n
}

// restart sets the caller's counters back, as a proxy that starts anew.
func (e *exporter) restart(caller string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.counters[caller])
}

// leave takes the caller away.
func (e *exporter) leave(caller string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.counters, caller)
}

func (e *exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	caller := strings.TrimPrefix(r.URL.Path, "/")
	e.scrapes[caller]++
	page, exists := e.counters[caller]
	if !exists {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	for _, name := range slices.Sorted(maps.Keys(page)) {
		fmt.Fprintf(w, "%s %g\n", name, page[name])
	}
}

// await waits until every caller was scraped n times more, the last but one of which is surely stored.
func (e *exporter) await(t *testing.T, n int) {
	t.Helper()
	e.mu.Lock()
	begin := maps.Clone(e.scrapes)
	e.mu.Unlock()
	eventually(t, "scrapes", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.scrapes["a"] > begin["a"]+n && e.scrapes["b"] > begin["b"]+n
	})
}

// start runs a Prometheus on loopback that scrapes both callers every 500 ms.
func start(t *testing.T, callers http.Handler) *prometheus.Measurer {
	t.Helper()
	set, err := part.Ensure(t.Context(), part.Options{Only: []string{"prometheus"}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(callers)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	config := "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\nscrape_configs:\n"
	for _, caller := range []string{"a", "b"} {
		config += fmt.Sprintf("- {job_name: %s, metrics_path: /%s, static_configs: [{targets: ['%s'], labels: {pod: %s}}]}\n",
			caller, caller, server.Listener.Addr(), caller)
	}
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := free(t)
	command := exec.Command(set.Binary("prometheus"), "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	eventually(t, "Prometheus ready", func() bool {
		response, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	measurer, err := prometheus.New("http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return measurer
}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within 30 s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
