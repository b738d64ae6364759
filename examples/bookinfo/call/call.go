// SPDX-License-Identifier: Apache-2.0

// Package call asks another Bookinfo service for JSON on behalf of an incoming request.
package call

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"weir.dev/weir/examples/bookinfo/origin"
	"weir.dev/weir/examples/bookinfo/trace"
)

const (
	// Timeout is what bounds one call as a rule, connection and body included.
	Timeout = 3 * time.Second
	// idleConns is how many connections to one service are kept: more than are busy at 300 requests per second
	// when each takes a second.
	idleConns = 512
	// idleTimeout stays below the time after which the services close an idle connection, so that a call
	// seldom meets a connection about to be closed.
	idleTimeout = 60 * time.Second
	// maxBody bounds an answer in bytes.
	maxBody = 1 << 20
)

// Service is another service, by name and base URL.
type Service struct {
	Name string
	Base string
	HTTP *http.Client
}

// New returns the service name at base, such as "http://reviews:9080", with a pool of connections of its own. No call takes
// longer than the timeout.
func New(name, base string, timeout time.Duration) *Service {
	transport := &http.Transport{
		MaxIdleConns:        idleConns,
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     idleTimeout,
	}
	client := &http.Client{Transport: transport, Timeout: timeout}
	return &Service{Name: name, Base: strings.TrimRight(base, "/"), HTTP: client}
}

// Answer says how a call went.
type Answer struct {
	// Header is the header of the answer; empty when there was none.
	Header http.Header
	// Version is the version of the service that answered, or origin.Unknown.
	Version string
	// Took is the time from the call to the end of the body.
	Took time.Duration
	// Err is nil when the answer had status 200 and its body was read into out.
	Err error
}

// Get fetches path into out, carrying on the trace of in. It never panics on a bad answer; look at Err.
func (s *Service) Get(in *http.Request, path string, out any) Answer {
	start := time.Now()
	header, err := s.get(in, path, out)
	return Answer{Header: header, Version: origin.VersionOf(header, s.Name), Took: time.Since(start), Err: err}
}

func (s *Service) get(in *http.Request, path string, out any) (http.Header, error) {
	req, err := http.NewRequestWithContext(in.Context(), http.MethodGet, s.Base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", s.Name, err)
	}
	trace.Carry(in.Header, req.Header)
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", s.Name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return resp.Header, fmt.Errorf("read the answer of %s: %w", s.Name, err)
	}
	if resp.StatusCode != http.StatusOK {
		return resp.Header, fmt.Errorf("%s answered %d: %s", s.Name, resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return resp.Header, fmt.Errorf("parse the answer of %s: %w", s.Name, err)
	}
	return resp.Header, nil
}

// Blame records on dst that this call made the answer fail. A service that names whoever failed further down is believed;
// otherwise it is to blame itself.
func (s *Service) Blame(dst http.Header, a Answer) {
	who := a.Header.Get(origin.Failed)
	if who == "" {
		who = origin.Self{Service: s.Name, Version: a.Version}.Blame()
	}
	why := a.Header.Get(origin.Reason)
	if why == "" {
		why = a.Err.Error()
	}
	origin.Blame(dst, who, why)
}

// JSON writes v as the answer with the given status.
func JSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) //nolint:errcheck // the client is gone: nobody is left to tell.
}
