// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// patience is how long an answer may take: on a machine that stands still for seconds it comes late, and is not lost.
const patience = 30 * time.Second

// clients speak as the query's protocol says.
var clients = map[string]*http.Client{"": client(false), "h2": client(true), "grpc": client(true)}

func client(http2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	return &http.Client{Timeout: patience, Transport: &http.Transport{Protocols: protocols, MaxIdleConnsPerHost: 64}}
}

// own are the headers that are between two neighbors and not passed on.
var own = []string{"Connection", "Content-Length", "Accept-Encoding", "X-Forwarded-Client-Cert", "X-Forwarded-For", "X-Forwarded-Proto",
	"X-Request-Id"}

// call makes the request that it got at the URL in the query, and passes the answer on.
func call(w http.ResponseWriter, r *http.Request) {
	response, err := forward(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && r.URL.Query().Get("proto") == "grpc" {
		var text string
		text, err = readGRPC(response, body)
		w.Header().Set("X-Version", text)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	for _, name := range []string{"X-Version", "Set-Cookie"} {
		for _, value := range response.Header[name] {
			w.Header().Add(name, value)
		}
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body)
}

func forward(r *http.Request) (*http.Response, error) {
	proto := r.URL.Query().Get("proto")
	method, body := r.Method, io.Reader(r.Body)
	if proto == "grpc" {
		method, body = http.MethodPost, bytes.NewReader(frame(""))
	}
	out, err := http.NewRequestWithContext(r.Context(), method, r.URL.Query().Get("url"), body)
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		if !slices.Contains(own, name) {
			out.Header[name] = values
		}
	}
	if proto == "grpc" {
		out.Header.Set("Content-Type", grpcType)
		out.Header.Set("Te", "trailers") //nolint:canonicalheader // Go spells TE so
	}
	use, known := clients[proto]
	if !known {
		return nil, fmt.Errorf("proto %q: one of h2, grpc", proto)
	}
	return use.Do(out)
}

// grpcType marks gRPC, as https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md has it.
const grpcType = "application/grpc"

// frame is a message that is not compressed: a byte that says so, four of its length, and the message.
func frame(message string) []byte {
	n := len(message)
	return append([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, message...)
}

// answerGRPC answers any method with the version.
func answerGRPC(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", grpcType)
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(frame(version()))
	w.Header().Set("Grpc-Status", "0")
}

// readGRPC returns the answer's message. The status is in the trailers, or in the header where nothing else is sent.
func readGRPC(response *http.Response, body []byte) (string, error) {
	if status := cmp.Or(response.Trailer.Get("Grpc-Status"), response.Header.Get("Grpc-Status")); status != "0" || len(body) < 5 {
		return "", fmt.Errorf("grpc status %q %s, %d bytes", status, response.Header.Get("Grpc-Message"), len(body))
	}
	return string(body[5:]), nil
}
