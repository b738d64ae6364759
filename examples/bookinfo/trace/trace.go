// SPDX-License-Identifier: Apache-2.0

// Package trace carries the headers of a request on to the requests made on its behalf. A sidecar cannot do this: only
// the application knows which outgoing call belongs to which incoming one.
package trace

import "net/http"

// headers are carried on in every version of Bookinfo. The first group ties the spans of one trace together, the second
// identifies the user, so that a route further down can match on it.
var headers = []string{
	"Traceparent", "Tracestate", // https://www.w3.org/TR/trace-context/
	"B3", "X-B3-Traceid", "X-B3-Spanid", "X-B3-Parentspanid", "X-B3-Sampled", "X-B3-Flags", // github.com/openzipkin/b3-propagation
	"X-Request-Id", "X-Ot-Span-Context",

	"End-User", "User-Agent", "Cookie", "Authorization",
}

// Carry copies the headers that tie a trace together and identify the user from an incoming request to an outgoing one.
// Repeated headers stay repeated.
func Carry(from, to http.Header) {
	for _, name := range headers {
		if values := from.Values(name); len(values) > 0 {
			to[name] = append([]string(nil), values...)
		}
	}
}
