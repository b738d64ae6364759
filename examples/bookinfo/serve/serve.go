// SPDX-License-Identifier: Apache-2.0

// Package serve runs one HTTP service from start-up to a shutdown that loses no request.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"weir.dev/weir/examples/bookinfo/origin"
)

const (
	// linger is how long open connections may bring one more request, which is answered with "Connection: close",
	// before the idle ones are closed.
	linger = time.Second
	// idleTimeout is longer than a client keeps an idle connection, so that the client closes it first: Envoy, an hour. One that
	// is closed here may have a request on its way.
	idleTimeout = 2 * time.Hour
)

// Options says how a service starts and stops.
type Options struct {
	// Self is what the service answers to.
	Self origin.Self
	// StartDelay is how long after start the service is not ready: every answer is a 503.
	StartDelay time.Duration
	// Drain is how long new connections are still accepted after the service was told to stop.
	Drain time.Duration
	// Grace is how long requests on their way may take to finish after that.
	Grace time.Duration
}

// Server is a service with the state of its life. Make it with New.
type Server struct {
	options         Options
	ready, stopping atomic.Bool
	http            http.Server
}

// New returns a server for handler, not ready yet.
func New(handler http.Handler, options Options) *Server {
	s := &Server{options: options}
	s.http = http.Server{
		Handler:           s.front(handler),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       idleTimeout,
	}
	return s
}

// Run serves on listener until ctx is done, then shuts down in order: no longer ready; after Drain no new connections;
// every answer closes its connection; requests on their way finish within Grace. It returns an error if they do not.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	s.ready.Store(s.options.StartDelay == 0)
	timer := time.AfterFunc(s.options.StartDelay, func() { s.ready.Store(true) })
	defer timer.Stop()
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	time.Sleep(s.options.Drain) //nolint:forbidigo // connections that come meanwhile are answered
	return s.shutdown(listener) //nolint:contextcheck // ctx is over, and what is under way may end
}

// shutdown closes the listener by itself first: http.Server.Shutdown would close idle connections in the same moment,
// under a client that is about to use one.
func (s *Server) shutdown(listener net.Listener) error {
	if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop listening: %w", err)
	}
	time.Sleep(min(linger, s.options.Grace)) //nolint:forbidigo // callers see that it closes
	ctx, cancel := context.WithTimeout(context.Background(), s.options.Grace)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("requests unfinished after %v: %w", s.options.Grace, err)
	}
	return nil
}

// front answers the probes and refuses everything else until the service is ready.
func (s *Server) front(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !s.ready.Load() {
			origin.Blame(w.Header(), s.options.Self.Blame(), "not ready yet (--start-delay)")
			http.Error(w, s.options.Self.Blame()+" is starting", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
	return origin.Stamp(s.options.Self, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		mux.ServeHTTP(w, r)
	}))
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.stopping.Load():
		http.Error(w, "stopping", http.StatusServiceUnavailable)
	case !s.ready.Load():
		http.Error(w, "starting", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ready")
	}
}
