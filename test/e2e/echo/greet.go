// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// started counts the starts in the file, this one included; 0 when there is nowhere to keep it.
func started(file string) (n int) {
	if text, err := os.ReadFile(file); err == nil {
		n, _ = strconv.Atoi(string(text))
	}
	if os.WriteFile(file, []byte(strconv.Itoa(n+1)), 0o600) != nil {
		return 0
	}
	return n + 1
}

// greet speaks first, as databases do, and then answers one line.
func greet(starts int) func(net.Conn) {
	return func(conn net.Conn) {
		fmt.Fprintf(conn, "started %d\n", starts)
		if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
			fmt.Fprintf(conn, "version %s heard %s", os.Getenv("VERSION"), line)
		}
	}
}

// ask waits for the greeting of the address in the query, says something, and passes on what it heard.
func ask(w http.ResponseWriter, r *http.Request) {
	conn, err := net.DialTimeout("tcp", r.URL.Query().Get("address"), 5*time.Second)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	reader := bufio.NewReader(conn)
	greeting, err := reader.ReadString('\n')
	if err == nil {
		_, err = conn.Write([]byte("hello\n"))
	}
	answer := ""
	if err == nil {
		answer, err = reader.ReadString('\n')
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = io.WriteString(w, greeting+answer)
}
