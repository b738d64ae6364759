// SPDX-License-Identifier: Apache-2.0

package mesh

import "time"

// Window is a stretch of time in which requests to a version of a host are measured.
type Window struct {
	Host      string
	Namespace string
	// Version is the subset that callers chose, and Beside the one that it is compared with, if any.
	Version, Beside string
	// Since and Until bound the window; Since is when the weight was verified.
	Since, Until time.Time
	// Received measures requests where they are received instead of where they are sent. Copies of requests, whose answers
	// are thrown away, are not seen in any other way.
	Received bool
	// Quantile of the latency that is shown, between 0 and 1; 0 leaves latency out.
	Quantile float64
	// Queries are values of the user's own, in PromQL, by name.
	Queries map[string]string
	// Server is where to ask; nil is the one that Weir was installed with.
	Server *Server
}

// Server is a metrics store that speaks the HTTP API of Prometheus, and how to get in.
type Server struct {
	URL string
	// Token is sent as bearer; Username and Password as basic authentication. Both may be empty.
	Token, Username, Password string
	// CA are certificates in PEM that the store's own may be signed by, besides those the system trusts.
	CA string
}

// Sample is what was seen of one version in a Window.
type Sample struct {
	// Requests in all, and those that failed: a 5xx, or no answer at all.
	Requests, Failed float64
	// Unanswered are the failed requests that callers got no answer to, by the response flags of their proxies.
	Unanswered float64
	// Lost are failed requests that reached no version; they are among all of the above, for every version.
	Lost float64
	// Latency is how long requests took; empty when that was not measured.
	Latency Histogram
	// Span is the time between the first scrape and the last that were counted.
	Span time.Duration
	// Age is how old the newest scrape was at the window's end, and Every the time between two scrapes; 0 when not known.
	Age, Every time.Duration
	// Beside is the same of the version beside; nil when none was asked for.
	Beside *Sample
	// Values are those of the window's Queries.
	Values map[string]Value
	// Asked are the queries that show a person what was measured, by what they measure: requests, failed, unanswered,
	// latency, each with "beside " before it for the version beside.
	Asked map[string]string
}

// Value is the answer to a query of the user's own.
type Value struct {
	// Number is not a number when the answer was empty.
	Number float64
	// Err is why there is none.
	Err error
}

// SuccessPercent is the share of good answers, in percent; 100 when there were no requests.
func (s Sample) SuccessPercent() float64 {
	if s.Requests <= 0 {
		return 100
	}
	return 100 * (s.Requests - s.Failed) / s.Requests
}
