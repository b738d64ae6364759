// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// once does what the arguments say.
func once(verb string, args []string) {
	switch verb {
	case "exit":
		code, err := strconv.Atoi(args[0])
		if err != nil {
			log.Fatal(err)
		}
		os.Exit(code)
	case "write":
		write(args[0], strings.Join(args[1:], " "))
	case "get":
		get(args[0])
	default:
		log.Fatalf("%s: one of exit, write, get", verb)
	}
}

func write(path, text string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintln(f, text)
		f.Close()
	}
	if err != nil {
		log.Fatal(err)
	}
}

// get asks until there is an answer: what is asked may still be starting.
func get(url string) {
	client := &http.Client{Timeout: 5 * time.Second}
	for {
		response, err := client.Get(url)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(200 * time.Millisecond) //nolint:forbidigo // its pod ends when this takes too long
	}
}

// tellFile answers with what is in the file that the query names.
func tellFile(w http.ResponseWriter, r *http.Request) {
	text, err := os.ReadFile(r.URL.Query().Get("path"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	_, _ = w.Write(text)
}
