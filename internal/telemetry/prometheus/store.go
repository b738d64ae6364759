// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"weir.dev/weir/internal/mesh"
)

// store is a metrics store that can be asked.
type store struct {
	url string
	api promv1.API
}

func newStore(server mesh.Server, transport http.RoundTripper) (*store, error) {
	address, err := url.Parse(server.URL)
	if err != nil || address.Host == "" {
		return nil, fmt.Errorf("metrics at %q: this is no address; give a URL such as http://prometheus.istio-system:9090", server.URL)
	}
	client, err := api.NewClient(api.Config{Address: server.URL, RoundTripper: login{server, address.Scheme, address.Host, transport}})
	if err != nil {
		return nil, fmt.Errorf("metrics at %q: %w; give a URL such as http://prometheus.istio-system:9090", server.URL, err)
	}
	return &store{url: address.Redacted(), api: promv1.NewAPI(client)}, nil
}

// trusting is a transport that takes certificates signed by the given authorities, besides those that the system trusts.
func trusting(ca string) (http.RoundTripper, error) {
	base, ok := api.DefaultRoundTripper.(*http.Transport)
	if !ok || ca == "" {
		return api.DefaultRoundTripper, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(ca)) {
		return nil, errors.New("ca.crt holds no certificate in PEM")
	}
	transport := base.Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return transport, nil
}

// login adds what lets requests in, as long as they go to the store itself and not where it sends them.
type login struct {
	server       mesh.Server
	scheme, host string
	next         http.RoundTripper
}

// RoundTrip sends a request.
func (l login) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host == l.host && request.URL.Scheme == l.scheme {
		request = request.Clone(request.Context())
		switch {
		case l.server.Token != "":
			request.Header.Set("Authorization", "Bearer "+l.server.Token)
		case l.server.Username != "" || l.server.Password != "":
			request.SetBasicAuth(l.server.Username, l.server.Password)
		}
	}
	return l.next.RoundTrip(request)
}

// read returns the scrapes of the selected counters up to the window's end, from before the window on so that old
// counters are known.
func (s *store) read(ctx context.Context, selector string, w mesh.Window) (scrapes, error) {
	if span := w.Until.Sub(w.Since); span > long {
		step := (span / steps).Truncate(time.Millisecond)
		all, err := s.matrix(ctx, selector, func(ctx context.Context) (model.Value, promv1.Warnings, promv1.Infos, error) {
			r := promv1.Range{Start: w.Since, End: w.Until, Step: step}
			return s.api.QueryRange(ctx, selector, r, promv1.WithTimeout(timeout))
		})
		return scrapes{all, w.Since, step}, err
	}
	query := fmt.Sprintf("%s[%ds]", selector, seconds(w.Until.Sub(w.Since)+lookback))
	all, err := s.matrix(ctx, query, func(ctx context.Context) (model.Value, promv1.Warnings, promv1.Infos, error) {
		return s.api.Query(ctx, query, w.Until, promv1.WithTimeout(timeout))
	})
	return scrapes{all, w.Since, interval(all)}, err
}

// number asks for one number at a time. No number at all is not a number.
func (s *store) number(ctx context.Context, query string, at time.Time) (float64, error) {
	value, err := s.ask(ctx, query, func(ctx context.Context) (model.Value, promv1.Warnings, promv1.Infos, error) {
		return s.api.Query(ctx, query, at, promv1.WithTimeout(timeout))
	})
	if err != nil {
		return 0, err
	}
	switch v := value.(type) {
	case *model.Scalar:
		return float64(v.Value), nil
	case model.Vector:
		switch {
		case len(v) == 0:
			return math.NaN(), nil
		case len(v) == 1 && v[0].Histogram == nil:
			return float64(v[0].Value), nil
		}
		return 0, s.failure(query, fmt.Errorf("the answer has %d values where one number is wanted; let the query sum them up", len(v)))
	default:
		return 0, s.failure(query, fmt.Errorf("the answer is a %s where one number is wanted", value.Type()))
	}
}

// matrix sends a query whose answer is a matrix.
func (s *store) matrix(ctx context.Context, query string, send sender) ([]series, error) {
	value, err := s.ask(ctx, query, send)
	if err != nil {
		return nil, err
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, s.failure(query, fmt.Errorf("the answer is a %T where a matrix was expected", value))
	}
	return fromMatrix(matrix), nil
}

type sender func(context.Context) (model.Value, promv1.Warnings, promv1.Infos, error)

func (s *store) ask(ctx context.Context, query string, send sender) (model.Value, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errSlow)
	defer cancel()
	value, warnings, _, err := send(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, s.failure(query, context.Cause(ctx))
	case err != nil:
		return nil, s.failure(query, plain(err))
	case len(warnings) > 0:
		return nil, s.failure(query, fmt.Errorf("the answer is incomplete: %v", warnings))
	}
	return value, nil
}

var errSlow = fmt.Errorf("no answer within %s", timeout)

// plain words what a person can do about an error.
func plain(err error) error {
	var refused *promv1.Error
	if !errors.As(err, &refused) {
		return err
	}
	for _, code := range []string{"401", "403"} {
		if strings.HasSuffix(refused.Msg, code) {
			return fmt.Errorf("the store does not let us in (%s); see the Secret that the strategy names", code)
		}
	}
	return err
}

// failure says at its root where we asked and what went wrong: the query around it differs from one look to the next.
func (s *store) failure(query string, err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	root := errors.New(s.url + ": " + err.Error())
	return fmt.Errorf("metrics query %s: %w; check that the store is up and that the URL is right", query, root)
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
