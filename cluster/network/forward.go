// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Route carries connections from an address of the host to one inside a cluster.
type Route struct{ From, To string }

// ParseRoute reads "127.0.0.1:8080=10.44.0.1:30080".
func ParseRoute(text string) (Route, error) {
	from, to, found := strings.Cut(text, "=")
	for _, address := range []string{from, to} {
		if _, _, err := net.SplitHostPort(address); !found || err != nil {
			return Route{}, fmt.Errorf("route %q is not of the form host:port=host:port", text)
		}
	}
	return Route{From: from, To: to}, nil
}

func (r Route) String() string { return r.From + "=" + r.To }

// Dial opens a connection inside the cluster.
type Dial func(ctx context.Context, address string) (net.Conn, error)

// Dialer returns a Dial whose sockets belong to another network namespace: inside runs a function on a thread in
// there, which costs far less than the connection itself.
func Dialer(inside func(func() error) error) Dial {
	return func(ctx context.Context, address string) (conn net.Conn, err error) {
		err = inside(func() error {
			conn, err = (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", address)
			return err
		})
		return conn, err
	}
}

// Forward serves the routes until ctx ends. It fails at once if an address can't be listened on.
func Forward(ctx context.Context, routes []Route, dial Dial) error {
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	for _, route := range routes {
		listener, err := net.Listen("tcp", route.From)
		if err != nil {
			return fmt.Errorf("forward %s: %w", route, err)
		}
		listeners = append(listeners, listener)
		go serve(ctx, listener, func(ctx context.Context) (net.Conn, error) { return dial(ctx, route.To) })
	}
	<-ctx.Done()
	return nil
}

func serve(ctx context.Context, listener net.Listener, dial func(context.Context) (net.Conn, error)) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // out of descriptors, say: others must close first
			continue
		}
		go func() {
			defer client.Close()
			server, err := dial(ctx)
			if err != nil {
				return
			}
			defer server.Close()
			join(client, server)
		}()
	}
}

// join copies both ways and passes on each side's end separately, as a half-closed connection may still be answered.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
	both.Go(func() { pipe(a, b) })
	both.Go(func() { pipe(b, a) })
	both.Wait()
}
