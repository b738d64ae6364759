// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// answer serves one connection: it reads to the end and answers in capitals.
func answer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", Local(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		question, _ := io.ReadAll(conn)
		_, _ = conn.Write([]byte(strings.ToUpper(string(question))))
	}()
	return listener.Addr().String()
}

func TestForwardAnswersAHalfClosedConnection(t *testing.T) {
	port, err := ClaimPort(0, "--port")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	dial := Dialer(func(f func() error) error { return f() })
	go func() { _ = Forward(ctx, []Route{{From: Local(port), To: answer(t)}}, dial) }()
	conn := connect(ctx, t, Local(port))
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "HELLO" {
		t.Errorf("got %q, %v; want HELLO", got, err)
	}
}

func connect(ctx context.Context, t *testing.T, address string) net.Conn {
	t.Helper()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestClaimPortNamesTheWayOut(t *testing.T) {
	listener, err := net.Listen("tcp", Local(0))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, err = ClaimPort(listener.Addr().(*net.TCPAddr).Port, "--api-port")
	if err == nil || !strings.Contains(err.Error(), "--api-port=0") {
		t.Errorf("got %v", err)
	}
}

func TestParseRoute(t *testing.T) {
	for _, text := range []string{"", "127.0.0.1:1", "a=b", "127.0.0.1:1=b"} {
		if route, err := ParseRoute(text); err == nil {
			t.Errorf("%q was taken as %v", text, route)
		}
	}
	route, err := ParseRoute("127.0.0.1:1=10.0.0.1:2")
	if err != nil || route.String() != "127.0.0.1:1=10.0.0.1:2" {
		t.Errorf("got %v, %v", route, err)
	}
}
