// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// maxBodySample bounds the body kept with a sample, in bytes: enough for the sentence that Envoy gives as a reason.
	maxBodySample = 300
	// idleTimeout is shorter than that of Envoy (1 h) and of the usual load balancers (60 s), so that the client and not
	// the server ends an idle connection.
	idleTimeout = 30 * time.Second
)

// client sends the one request of a run. An idle connection that the server closed in the moment of a GET is replaced by a
// new one by net/http, as browsers and Envoy do; that does not count as a failure.
type client struct {
	options Options
	http    *http.Client
}

func newClient(o Options) (*client, error) {
	if _, err := http.NewRequest(o.Method, o.URL, nil); err != nil {
		return nil, fmt.Errorf("method %q: %w", o.Method, err)
	}
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: o.Timeout}).DialContext,
		MaxIdleConnsPerHost: o.MaxInFlight,
		IdleConnTimeout:     idleTimeout,
		DisableCompression:  true,
		Protocols:           protocols(o.HTTP2),
	}
	if o.Insecure {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // asked for by option.
	}
	// A redirect is an answer like any other: following it would send more than the rate.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{options: o, http: &http.Client{Transport: transport, Timeout: o.Timeout, CheckRedirect: stay}}, nil
}

func protocols(http2 bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(!http2)
	p.SetHTTP2(http2)
	p.SetUnencryptedHTTP2(http2)
	return p
}

func (c *client) close() { c.http.CloseIdleConnections() }

// send sends one request and reads its whole answer.
func (c *client) send(ctx context.Context, due time.Time, clock clock) outcome {
	resp, body, err := c.exchange(ctx) //nolint:bodyclose // exchange closes it
	o := outcome{latency: clock.Now().Sub(due)}
	if resp != nil {
		o.versions = entries(resp.Header, c.options.VersionHeader)
	}
	switch {
	case err != nil:
		o.kind = kindOf(err)
	case resp.StatusCode >= c.options.FailFrom:
		o.kind = fmt.Sprintf("status %d", resp.StatusCode)
	default:
		return o
	}
	o.sample = Sample{Due: due, Kind: o.kind, Latency: float64(o.latency.Microseconds()) / 1000, Body: body}
	if err != nil {
		o.sample.Error = err.Error()
	}
	if resp != nil {
		o.blamed = entries(resp.Header, c.options.FailedHeader)
		o.sample.Status, o.sample.Blamed, o.sample.Header = resp.StatusCode, o.blamed, c.keep(resp.Header)
		o.sample.Reason = resp.Header.Get(c.options.ReasonHeader)
	}
	return o
}

// exchange returns the answer, if any, with the beginning of its body, and an error unless the body was read to its end.
func (c *client) exchange(ctx context.Context) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, c.options.Method, c.options.URL, bytes.NewReader(c.options.Body))
	if err != nil {
		return nil, "", err
	}
	req.Host = c.options.Host
	for name, values := range c.options.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	begin, err := io.ReadAll(io.LimitReader(resp.Body, maxBodySample))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	return resp, strings.ToValidUTF8(string(begin), ""), err
}

// keep returns the headers that are worth a place in a sample.
func (c *client) keep(h http.Header) map[string]string {
	kept := map[string]string{}
	own := []string{c.options.VersionHeader, c.options.FailedHeader, c.options.ReasonHeader}
	for _, name := range append(own, c.options.SampleHeaders...) {
		if value := h.Get(name); name != "" && value != "" {
			kept[strings.ToLower(name)] = value
		}
	}
	return kept
}

func kindOf(err error) string {
	var network net.Error
	var operation *net.OpError
	switch {
	case errors.As(err, &network) && network.Timeout():
		return KindTimeout
	case errors.As(err, &operation) && operation.Op == "dial":
		return KindConnect
	default:
		return KindTransport
	}
}

// entries returns what the header lists, separated by commas.
func entries(h http.Header, name string) []string {
	var list []string
	for _, line := range h.Values(name) {
		for entry := range strings.SplitSeq(line, ",") {
			if entry = strings.TrimSpace(entry); entry != "" {
				list = append(list, entry)
			}
		}
	}
	return list
}
