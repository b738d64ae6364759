// SPDX-License-Identifier: Apache-2.0

// Command echo is the smallest application that shows what a mesh does: it tells what a request brought along, makes
// requests and connections on demand, and echoes bytes.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	go echoBytes(":9000")
	http.HandleFunc("/", tell)
	http.HandleFunc("/call", call)
	http.HandleFunc("/tcp", callTCP)
	http.HandleFunc("/status/503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}

// tell answers with the version and the caller's certificate, as the sidecar passed it on.
func tell(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "version=%s\npeer=%s\n", os.Getenv("VERSION"), r.Header.Get("X-Forwarded-Client-Cert"))
}

// call fetches the URL in the query and passes the answer on.
func call(w http.ResponseWriter, r *http.Request) {
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

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

func echoBytes(address string) {
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
			_, _ = io.Copy(conn, conn)
		}()
	}
}
