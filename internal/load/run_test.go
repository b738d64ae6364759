// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const deadline = 20 * time.Second

func TestRunCounts(t *testing.T) {
	var n atomic.Int64
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Versions", "page=v1, reviews=v2")
		switch n.Add(1) % 10 {
		case 0:
			w.Header().Set("X-Failed", "reviews v2")
			w.Header().Set("X-Reason", "on purpose")
			http.Error(w, "a body", http.StatusBadGateway)
		case 5:
			http.Error(w, "no route", http.StatusNotFound)
		}
	})
	got := run(t, Options{
		URL: server.URL, Rate: 1000, MaxRequests: 100, VersionHeader: "X-Versions", FailedHeader: "X-Failed", ReasonHeader: "X-Reason",
	})
	if got.Requests != 100 || got.Sent != 100 || got.OK != 80 || got.Failed != 20 || n.Load() != 100 {
		t.Errorf("got %+v, and the server %d", got.Snapshot, n.Load())
	}
	same(t, "kinds", map[string]int64{"status 502": 10, "status 404": 10}, got.Kinds)
	same(t, "blamed", map[string]int64{"reviews v2": 10, Unattributed: 10}, got.Blamed)
	same(t, "versions", map[string]Count{"page=v1": {80, 20}, "reviews=v2": {80, 20}}, got.Versions)
	if len(got.Samples) != defaultMaxSamples {
		t.Fatalf("samples: got %d", len(got.Samples))
	}
	for _, s := range got.Samples {
		if s.Status == http.StatusBadGateway && (s.Body != "a body\n" || s.Reason != "on purpose" || s.Header["x-failed"] != "reviews v2") {
			t.Errorf("got %+v", s)
		}
	}
}

func TestRunFailFrom(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	got := run(t, Options{URL: server.URL, Rate: 1000, MaxRequests: 5, FailFrom: 500})
	if got.OK != 5 || got.Failed != 0 {
		t.Errorf("got %+v", got.Snapshot)
	}
}

func TestASlowServerDoesNotSlowTheSending(t *testing.T) {
	const requests = 50
	all := make(chan struct{})
	var arrived atomic.Int64
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == requests {
			close(all) // nobody is answered before everybody was sent.
		}
		select {
		case <-all:
		case <-r.Context().Done():
		}
	})
	got := run(t, Options{URL: server.URL, Rate: 500, MaxRequests: requests, Timeout: deadline})
	if got.OK != requests || got.Failed != 0 {
		t.Errorf("got %+v", got.Snapshot)
	}
	if got.Latency.Max < 90 {
		t.Errorf("the first request waited for the last, which was due 98 ms later; its latency was %v ms", got.Latency.Max)
	}
}

func TestLatencyCountsFromWhenTheRequestWasDue(t *testing.T) {
	clock := newFake()
	clock.late = 80 * time.Millisecond
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	r, err := start(context.Background(), Options{URL: server.URL, Rate: 10, MaxRequests: 2}, clock)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Wait().Latency.Max; got < 80 {
		t.Errorf("sent 80 ms late, yet the latency is %v ms", got)
	}
}

func TestDroppedCountAsFailed(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	let := sync.OnceFunc(func() { close(release) })
	t.Cleanup(let) // before the server closes, which waits for its requests.
	r, err := Start(context.Background(), Options{URL: server.URL, Rate: 1000, MaxRequests: 20, MaxInFlight: 5, Timeout: deadline})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "all were due", func() bool { return r.Snapshot().Requests == 20 })
	if got := r.Snapshot(); got.InFlight != 5 || got.Sent != 5 || got.Failed != 15 {
		t.Errorf("meanwhile: got %+v", got)
	}
	let()
	got := r.Wait()
	if got.OK != 5 || got.Failed != 15 {
		t.Errorf("got %+v", got.Snapshot)
	}
	same(t, "kinds", map[string]int64{KindDropped: 15}, got.Kinds)
}

func TestKindsOfFailure(t *testing.T) {
	gone := serve(t, func(http.ResponseWriter, *http.Request) {})
	gone.Close()
	stuck := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	rude := serve(t, func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w) })
	short := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "half an answer")
	})
	cases := map[string]struct {
		url  string
		want string
	}{
		"NobodyThere": {gone.URL, KindConnect},
		"NoAnswer":    {stuck.URL, KindTimeout},
		"HangsUp":     {rude.URL, KindTransport},
		"HalfAnAnswer": {
			short.URL, KindTransport,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := run(t, Options{URL: c.url, Rate: 1000, MaxRequests: 3, Timeout: 200 * time.Millisecond})
			same(t, "kinds", map[string]int64{c.want: 3}, got.Kinds)
			if len(got.Samples) != 3 || got.Samples[0].Error == "" {
				t.Errorf("samples: got %+v", got.Samples)
			}
		})
	}
}

func TestStopSeesRequestsThrough(t *testing.T) {
	entered, release := make(chan struct{}, 100), make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-release })
	ctx, cancel := context.WithCancel(context.Background())
	r, err := Start(ctx, Options{URL: server.URL, Rate: 20, MaxInFlight: 100, Timeout: deadline})
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	cancel()
	close(release)
	select {
	case <-r.Done():
	case <-time.After(deadline):
		t.Fatal("did not stop")
	}
	if got := r.Wait(); got.OK != got.Requests || got.OK == 0 || got.Failed != 0 {
		t.Errorf("got %+v", got.Snapshot)
	}
}

func TestWhatIsSent(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Method != http.MethodPost || r.Host != "shop.example" || r.Header.Get("End-User") != "ann" || string(body) != "hello" ||
					(r.ProtoMajor == 2) != http2 {
					http.Error(w, "unlike what was asked for", http.StatusBadRequest)
				}
			}))
			server.Config.Protocols = protocols(http2)
			server.Start()
			defer server.Close()
			got := run(t, Options{
				URL: server.URL, Rate: 1000, MaxRequests: 5, Method: http.MethodPost, Host: "shop.example",
				Header: http.Header{"end-user": {"ann"}}, Body: []byte("hello"), HTTP2: http2,
			})
			if got.OK != 5 {
				t.Errorf("got %+v %+v", got.Snapshot, got.Samples)
			}
		})
	}
}

func TestConnectionsAreKept(t *testing.T) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	run(t, Options{URL: server.URL, Rate: 200, MaxRequests: 100})
	// Kept or not, a busy machine lets requests overlap, each with a connection of its own.
	if got := opened.Load(); got > 80 {
		t.Errorf("%d connections for 100 short requests, five milliseconds apart", got)
	}
}

func TestOptionsRefused(t *testing.T) {
	good := Options{URL: "http://localhost", Rate: 1}
	cases := map[string]struct {
		change func(*Options)
		want   string
	}{
		"NoScheme":         {func(o *Options) { o.URL = "localhost:80" }, "absolute"},
		"NoHost":           {func(o *Options) { o.URL = "http://" }, "absolute"},
		"NoRate":           {func(o *Options) { o.Rate = 0 }, "rate"},
		"TooFast":          {func(o *Options) { o.Rate = 1e9 }, "rate"},
		"NegativeDuration": {func(o *Options) { o.Duration = -1 }, "duration"},
		"NegativeBound":    {func(o *Options) { o.MaxInFlight = -1 }, "max"},
		"Method":           {func(o *Options) { o.Method = "G T" }, "method"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := good
			c.change(&o)
			if _, err := Start(context.Background(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func run(t *testing.T, o Options) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	got, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func hangUp(t *testing.T, w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	conn.Close()
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !met(); time.Sleep(time.Millisecond) { //nolint:forbidigo // the pause of a wait that has a deadline
		if time.Now().After(end) {
			t.Fatalf("after %v: not so that %s", deadline, what)
		}
	}
}
