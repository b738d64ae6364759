// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

func listen(address string, handle func(net.Conn)) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			handle(conn)
		}()
	}
}

func echoBytes(conn net.Conn) { _, _ = io.Copy(conn, conn) }

// tellConnection speaks first, as databases and mail servers do: it says its version and ends.
func tellConnection(conn net.Conn) { _, _ = fmt.Fprint(conn, version()) }

// callTCP sends five bytes to the address in the query and passes on what comes back.
func callTCP(w http.ResponseWriter, r *http.Request) {
	conn, err := net.DialTimeout("tcp", r.URL.Query().Get("address"), 5*time.Second)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("hello"))
	answer := make([]byte, 5)
	if _, err := io.ReadFull(conn, answer); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = w.Write(answer)
}

// callStream tells who answers at the address in the query, where the server speaks first.
func callStream(w http.ResponseWriter, r *http.Request) {
	conn, err := net.DialTimeout("tcp", r.URL.Query().Get("address"), 5*time.Second)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	answer, err := io.ReadAll(conn)
	if err != nil || len(answer) == 0 {
		http.Error(w, fmt.Sprintf("%d bytes, %v", len(answer), err), http.StatusBadGateway)
		return
	}
	w.Header().Set("X-Version", string(answer))
	_, _ = w.Write(answer)
}
