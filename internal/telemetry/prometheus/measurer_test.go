// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir.dev/weir/internal/mesh"
)

var window = mesh.Window{
	Host: "reviews.shop.svc.cluster.local", Namespace: "shop", Version: "v1.2",
	Since: epoch, Until: epoch.Add(30 * time.Second), Quantile: 0.99,
}

func TestMeasureErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"server error", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
		}, "503"},
		{"not JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "metrics query"},
		{"query refused", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(422)
			_, _ = w.Write([]byte(`{"status":"error","errorType":"execution","error":"too many samples"}`))
		}, "too many samples"},
		{"vector", answered(`{"resultType":"vector","result":[]}`, ""), "matrix was expected"},
		{"partial", answered(`{"resultType":"matrix","result":[]}`, `,"warnings":["store 2 is down"]`), "store 2 is down"},
		{"redirected to a login", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>log in</html>"))
		}, "metrics query"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			_, err := measurer(t, server.URL).Measure(context.Background(), window)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), server.URL) ||
				!strings.Contains(err.Error(), "query istio_request") {
				t.Errorf("error = %v, want one that says %q, the URL and the query", err, test.want)
			}
		})
	}
}

func TestMeasureTimesOut(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hang)
	begin := time.Now()
	_, err := measurer(t, server.URL).Measure(context.Background(), window)
	if took := time.Since(begin); err == nil || took > timeout+time.Second {
		t.Errorf("gave up after %s with error %v, want an error after %s", took, err, timeout)
	}
}

func TestMeasureNothing(t *testing.T) {
	server := httptest.NewServer(answered(`{"resultType":"matrix","result":[]}`, ""))
	defer server.Close()
	got, err := measurer(t, server.URL).Measure(context.Background(), window)
	if err != nil || got.Requests != 0 || got.Failed != 0 || got.Latency != nil {
		t.Errorf("Measure = %+v, %v; want an empty sample", got, err)
	}
}

func TestMeasureBackwards(t *testing.T) {
	backwards := window
	backwards.Until = window.Since
	if _, err := measurer(t, "http://127.0.0.1:1").Measure(context.Background(), backwards); err == nil {
		t.Error("no error for a window that ends where it starts")
	}
}

// TestQueries pins what is asked and what is shown.
func TestQueries(t *testing.T) {
	const labels = `reporter="source",destination_service="reviews.shop.svc.cluster.local",destination_version=~"v1\\.2|unknown"`
	if got, want := selector(requestsMetric, window, window.Version), "istio_requests_total{"+labels+"}"; got != want {
		t.Errorf("selector = %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"requests": "sum(max_over_time(istio_requests_total{" + labels + "}[30s] @ 1000030)) - " +
			"(sum(istio_requests_total{" + labels + "} @ 1000000) or vector(0))",
		"failed": "sum(max_over_time(istio_requests_total{" + labels + `,response_code=~"5..|0"}[30s] @ 1000030)) - ` +
			"(sum(istio_requests_total{" + labels + `,response_code=~"5..|0"} @ 1000000) or vector(0))`,
		"latency": "histogram_quantile(0.99, sum by (le) (increase(istio_request_duration_milliseconds_bucket{" + labels +
			"}[30s] @ 1000030)))",
	} {
		if got := explained(window)[name]; got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func answered(data, rest string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"success","data":` + data + rest + `}`))
	}
}

func measurer(t *testing.T, url string) *Measurer {
	t.Helper()
	m, err := New(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
