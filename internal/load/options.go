// SPDX-License-Identifier: Apache-2.0

// Package load sends HTTP requests at a fixed rate whatever the answers do, and counts what came of each.
//
// It is an open loop: request n is due n/rate seconds after the start, and its latency is measured from that instant, so a
// server that stalls is charged for every request that had to wait (no coordinated omission).
package load

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	defaultMethod      = http.MethodGet
	defaultMaxRequests = 1_000_000
	defaultMaxInFlight = 512
	defaultTimeout     = 10 * time.Second
	defaultFailFrom    = http.StatusBadRequest
	defaultMaxSamples  = 20

	// maxRate is far above what one process can send, in requests a second.
	maxRate = 100_000
)

// Options says what to send. URL and Rate must be given; everything else has a default.
type Options struct {
	// URL is where to, http or https.
	URL string
	// Rate is in requests per second.
	Rate float64
	// Duration is for how long requests are sent; 0 until the context is done or MaxRequests is reached.
	Duration time.Duration
	// MaxRequests bounds the number of requests; default 1,000,000.
	MaxRequests int

	// Method defaults to GET.
	Method string
	// Host replaces the host of URL in the request, so that a gateway can be addressed by its IP address.
	Host string
	// Header is sent with every request.
	Header http.Header
	// Body is sent with every request.
	Body []byte

	// MaxInFlight bounds the requests without an answer; default 512. A request that is due beyond it is not sent
	// and counts as failed: KindDropped.
	MaxInFlight int
	// Timeout bounds one request, body included; default 10 s.
	Timeout time.Duration
	// HTTP2 speaks HTTP/2 only: without TLS by prior knowledge. The default is HTTP/1.1.
	HTTP2 bool
	// Insecure accepts any TLS certificate.
	Insecure bool

	// FailFrom is the lowest status that counts as failed; default 400, because a lost route answers 404.
	FailFrom int
	// VersionHeader is the header of the answers that lists who answered, separated by commas: "reviews=v2,ratings=v1".
	// Each entry is counted by itself. Empty: not counted.
	VersionHeader string
	// FailedHeader is the header of the failed answers that lists who is to blame, separated by commas: "reviews v4".
	// Empty: not attributed.
	FailedHeader string
	// ReasonHeader is the header in which failed answers say why. Empty: the beginning of the body has to do.
	ReasonHeader string
	// SampleHeaders are the headers kept with a sample of a failure, beside the three above; default those with which
	// Envoy explains itself.
	SampleHeaders []string
	// MaxSamples is how many of the first failures are kept whole; default 20.
	MaxSamples int
}

func defaultSampleHeaders() []string {
	return []string{"Date", "Server", "X-Request-Id", "X-Envoy-Response-Flags", "X-Envoy-Upstream-Service-Time"}
}

// complete fills in the defaults and names the first option that makes no sense.
func (o Options) complete() (Options, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return o, fmt.Errorf("URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return o, fmt.Errorf("URL %q: give an absolute http or https address", o.URL)
	case !(o.Rate > 0 && o.Rate <= maxRate):
		return o, fmt.Errorf("rate %v: give requests per second, above 0 and at most %d", o.Rate, maxRate)
	case o.Duration < 0 || o.Timeout < 0:
		return o, errors.New("duration and timeout may not be negative")
	case o.MaxRequests < 0 || o.MaxInFlight < 0 || o.MaxSamples < 0:
		return o, errors.New("max requests, max in flight and max samples may not be negative")
	}
	fill(&o.Method, defaultMethod)
	fill(&o.MaxRequests, defaultMaxRequests)
	fill(&o.MaxInFlight, defaultMaxInFlight)
	fill(&o.Timeout, defaultTimeout)
	fill(&o.FailFrom, defaultFailFrom)
	fill(&o.MaxSamples, defaultMaxSamples)
	if o.SampleHeaders == nil {
		o.SampleHeaders = defaultSampleHeaders()
	}
	return o, nil
}

func fill[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
