// SPDX-License-Identifier: Apache-2.0

// Package prometheus measures what callers saw of a version, with Istio's standard metrics in any store that speaks
// Prometheus' HTTP API.
package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

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
)

// Measurer reads mesh.Samples from a metrics store. It is safe for concurrent use.
type Measurer struct {
	url string
	api promv1.API
}

// New measures with the store at url, such as http://prometheus.istio-system:9090. A nil transport is the default one.
func New(url string, transport http.RoundTripper) (*Measurer, error) {
	if transport == nil {
		transport = api.DefaultRoundTripper
	}
	client, err := api.NewClient(api.Config{Address: url, RoundTripper: transport})
	if err != nil {
		return nil, fmt.Errorf("metrics at %q: %w; give a URL such as http://prometheus.istio-system:9090", url, err)
	}
	return &Measurer{url: url, api: promv1.NewAPI(client)}, nil
}

// Measure says what callers saw of the window's version: one query for requests and failures, and one for the latency
// unless the window's quantile is 0. Each may take 2 s.
//
// Requests from before the window never count, and no number is extrapolated; in return, what was counted before the
// first scrape in the window and after the last is not seen. So a window should span three scrapes or more.
// A sample without requests is no error.
func (m *Measurer) Measure(ctx context.Context, w mesh.Window) (mesh.Sample, error) {
	if !w.Until.After(w.Since) {
		return mesh.Sample{}, fmt.Errorf("window of %s %s: ends at %s, which is not after its start %s",
			w.Host, w.Version, w.Until.Format(time.RFC3339), w.Since.Format(time.RFC3339))
	}
	counters, every, err := m.read(ctx, selector(requestsMetric, w), w)
	if err != nil {
		return mesh.Sample{}, err
	}
	sample := mesh.Sample{Latency: -1, Queries: explained(w)}
	sample.Requests, sample.Failed = count(counters, w.Since, every)
	if w.Quantile <= 0 || sample.Requests == 0 {
		return sample, nil
	}
	buckets, every, err := m.read(ctx, selector(bucketMetric, w), w)
	if err != nil {
		return mesh.Sample{}, err
	}
	sample.Latency = latency(w.Quantile, buckets, w.Since, every)
	return sample, nil
}

// read returns the scrapes of the selected counters up to the window's end, from before the window on so that old
// counters are known, and the interval between them.
func (m *Measurer) read(ctx context.Context, selector string, w mesh.Window) ([]series, time.Duration, error) {
	if span := w.Until.Sub(w.Since); span > long {
		step := (span / steps).Truncate(time.Millisecond)
		all, err := m.ask(ctx, selector, func(ctx context.Context) (model.Value, promv1.Warnings, promv1.Infos, error) {
			r := promv1.Range{Start: w.Since, End: w.Until, Step: step}
			return m.api.QueryRange(ctx, selector, r, promv1.WithTimeout(timeout))
		})
		return all, step, err
	}
	query := fmt.Sprintf("%s[%ds]", selector, seconds(w.Until.Sub(w.Since)+lookback))
	all, err := m.ask(ctx, query, func(ctx context.Context) (model.Value, promv1.Warnings, promv1.Infos, error) {
		return m.api.Query(ctx, query, w.Until, promv1.WithTimeout(timeout))
	})
	return all, interval(all), err
}

// ask sends a query whose answer is a matrix.
func (m *Measurer) ask(ctx context.Context, query string,
	send func(context.Context) (model.Value, promv1.Warnings, promv1.Infos, error),
) ([]series, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, warnings, _, err := send(ctx)
	if err != nil {
		return nil, m.failure(query, err)
	}
	if len(warnings) > 0 {
		return nil, m.failure(query, fmt.Errorf("the answer is incomplete: %v", warnings))
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, m.failure(query, fmt.Errorf("the answer is a %T where a matrix was expected", value))
	}
	return fromMatrix(matrix), nil
}

func (m *Measurer) failure(query string, err error) error {
	return fmt.Errorf("metrics at %s, query %s: %w; check that the store is up and that the URL is right", m.url, query, err)
}

func fromMatrix(matrix model.Matrix) []series {
	all := make([]series, 0, len(matrix))
	for _, stream := range matrix {
		s := series{labels: make(map[string]string, len(stream.Metric)), points: make([]point, 0, len(stream.Values))}
		for name, value := range stream.Metric {
			s.labels[string(name)] = string(value)
		}
		for _, v := range stream.Values {
			s.points = append(s.points, point{v.Timestamp.Time(), float64(v.Value)})
		}
		all = append(all, s)
	}
	return all
}
