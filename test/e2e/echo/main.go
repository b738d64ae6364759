// SPDX-License-Identifier: Apache-2.0

// Command echo is the smallest application that shows what a mesh does: it tells what a request brought along, makes
// requests and connections on demand, echoes bytes, and answers by HTTP/1, HTTP/2, gRPC and plain TCP. It tells its NAME and
// VERSION, answers at the addresses in LISTEN, parted by commas, and notes each start in the file DIARY. With arguments it
// does one thing and ends:
//
//	echo exit CODE         ends with the code
//	echo write FILE TEXT   adds a line to a file
//	echo get URL           asks until it gets an answer
package main

import (
	"cmp"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	if len(os.Args) > 2 {
		once(os.Args[1], os.Args[2:])
		return
	}
	if path := os.Getenv("DIARY"); path != "" {
		write(path, "started")
	}
	go listen(":9000", echoBytes)
	go listen(":9001", tellConnection)
	go listen(":3306", greet(started("/data/starts")))
	http.HandleFunc("/", tell)
	http.HandleFunc("/call", call)
	http.HandleFunc("/tcp", callTCP)
	http.HandleFunc("/ask", ask)
	http.HandleFunc("/stream", callStream)
	http.HandleFunc("/seen", tellSeen)
	http.HandleFunc("/gate", gate)
	http.HandleFunc("/file", tellFile)
	http.HandleFunc("/status/503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	addresses := strings.Split(cmp.Or(os.Getenv("LISTEN"), ":8081,:8082,:8080"), ",")
	for _, address := range addresses[1:] {
		go serve(address)
	}
	serve(addresses[0])
}

// serve speaks HTTP/1 and, to who begins with it, HTTP/2.
func serve(address string) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: address, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func version() string { return os.Getenv("VERSION") }

// tell answers with the version, how it was asked, and the caller's certificate, as the sidecar passed it on.
func tell(w http.ResponseWriter, r *http.Request) {
	note(r.Method)
	if slices.Contains(r.Header["Content-Type"], grpcType) {
		answerGRPC(w, r)
		return
	}
	w.Header().Set("X-Version", version())
	fmt.Fprintf(w, "name=%s\n", os.Getenv("NAME"))
	fmt.Fprintf(w, "version=%s\npeer=%s\n", version(), r.Header.Get("X-Forwarded-Client-Cert"))
	fmt.Fprintf(w, "protocol=%s\ngreeting=%s\n", r.Proto, os.Getenv("GREETING"))
}

// methods counts what tell was asked by.
var methods = struct {
	sync.Mutex
	seen map[string]int
}{seen: map[string]int{}}

func note(method string) {
	methods.Lock()
	defer methods.Unlock()
	methods.seen[method]++
}

// tellSeen answers with how often it was asked by each method.
func tellSeen(w http.ResponseWriter, _ *http.Request) {
	methods.Lock()
	defer methods.Unlock()
	for method, count := range methods.seen {
		fmt.Fprintf(w, "%s %d\n", method, count)
	}
}

// gate agrees when it is asked for the third time.
func gate(w http.ResponseWriter, _ *http.Request) {
	methods.Lock()
	defer methods.Unlock()
	methods.seen["gate"]++
	if methods.seen["gate"] < 3 {
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"message": "the desk is at lunch"}`)
		return
	}
	fmt.Fprint(w, `{"message": "go ahead"}`)
}
