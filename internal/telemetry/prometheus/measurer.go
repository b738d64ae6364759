// SPDX-License-Identifier: Apache-2.0

// Package prometheus measures what callers saw of a version, with Istio's standard metrics in any store that speaks
// Prometheus' HTTP API.
package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"weir.dev/weir/internal/mesh"
)

const (
	// timeout of one query.
	timeout = 2 * time.Second
	// lookback is how far before a window a counter may have been scraped last and still be known as an old one. It is
	// Prometheus' own default for how long a sample counts.
	lookback = 5 * time.Minute
	// long windows are read at steps instead of scrape by scrape, so that the answer stays small.
	long = 20 * time.Minute
	// steps that a long window is read at.
	steps = 120
	// stores that are kept open besides Weir's own.
	mostStores = 100
)

// Measurer reads mesh.Samples from metrics stores. It is safe for concurrent use.
type Measurer struct {
	own *store

	mu     sync.Mutex
	others map[mesh.Server]*store
}

// New measures with the store at url, such as http://prometheus.istio-system:9090, unless a window names another. A nil
// transport is the default one.
func New(url string, transport http.RoundTripper) (*Measurer, error) {
	if transport == nil {
		transport, _ = trusting("")
	}
	own, err := newStore(mesh.Server{URL: url}, transport)
	if err != nil {
		return nil, err
	}
	return &Measurer{own: own, others: map[mesh.Server]*store{}}, nil
}

// Measure says what was seen of the window's version, and of the one beside it: one query for the requests to both, one
// for the latency of both when it is asked for, and one for each of the user's own, all at once. Each may take 2 s.
//
// Requests from before the window never count, and no number is extrapolated; in return, what was counted before the
// first scrape in the window and after the last is not seen. So a window should span three scrapes or more.
// A sample without requests is no error, and neither is a query of the user's own that has none: its value has the error.
func (m *Measurer) Measure(ctx context.Context, w mesh.Window) (mesh.Sample, error) {
	if !w.Until.After(w.Since) {
		return mesh.Sample{}, fmt.Errorf("window of %s %s: ends at %s, which is not after its start %s",
			w.Host, w.Version, w.Until.Format(time.RFC3339), w.Since.Format(time.RFC3339))
	}
	store, err := m.store(w.Server)
	if err != nil {
		return mesh.Sample{}, err
	}
	var counters, buckets scrapes
	values := make(chan named, len(w.Queries))
	var asks errgroup.Group
	asks.Go(func() (err error) {
		counters, err = store.read(ctx, selector(requestsMetric, w, w.Version, w.Beside), w)
		return err
	})
	if w.Quantile > 0 {
		asks.Go(func() (err error) {
			buckets, err = store.read(ctx, selector(bucketMetric, w, w.Version, w.Beside), w)
			return err
		})
	}
	for name, query := range w.Queries {
		asks.Go(func() error {
			number, err := store.number(ctx, query, w.Until)
			values <- named{name, mesh.Value{Number: number, Err: err}}
			return nil
		})
	}
	if err := asks.Wait(); err != nil {
		return mesh.Sample{}, err
	}
	close(values)
	sample := sampled(w, counters, buckets)
	for v := range values {
		sample.Values[v.name] = v.value
	}
	return sample, nil
}

type named struct {
	name  string
	value mesh.Value
}

// sampled is what the scrapes say of both versions.
func sampled(w mesh.Window, counters, buckets scrapes) mesh.Sample {
	sample := counters.count(w.Version)
	sample.Latency = buckets.latency(w.Version)
	if w.Beside != "" {
		beside := counters.count(w.Beside)
		beside.Latency = buckets.latency(w.Beside)
		sample.Beside = &beside
	}
	span, newest := counters.extent()
	if sample.Span, sample.Every = span, counters.every; !newest.IsZero() {
		sample.Age = max(w.Until.Sub(newest), 0)
	}
	sample.Values, sample.Asked = map[string]mesh.Value{}, explained(w)
	return sample
}

// store is the one to ask.
func (m *Measurer) store(server *mesh.Server) (*store, error) {
	if server == nil {
		return m.own, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.others[*server]; known != nil {
		return known, nil
	}
	transport, err := trusting(server.CA)
	if err != nil {
		return nil, fmt.Errorf("metrics at %s: %w", server.URL, err)
	}
	made, err := newStore(*server, transport)
	if err != nil {
		return nil, err
	}
	if len(m.others) >= mostStores {
		clear(m.others)
	}
	m.others[*server] = made
	return made, nil
}
