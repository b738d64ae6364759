// SPDX-License-Identifier: Apache-2.0

package load

import "time"

// The kinds of failure. A status that counts as failed has the kind "status 503".
const (
	KindConnect   = "connect"   // no connection came about
	KindTimeout   = "timeout"   // no whole answer within Options.Timeout
	KindTransport = "transport" // the connection broke before the whole answer was there
	KindDropped   = "dropped"   // never sent: Options.MaxInFlight was reached
)

// Unattributed is who is to blame for a failure that names nobody.
const Unattributed = "unattributed"

// Snapshot is what has been counted up to now.
type Snapshot struct {
	Start time.Time `json:"start"`
	// Seconds is the time since Start, up to the last answer once the run is over.
	Seconds float64 `json:"seconds"`
	// Requests counts all that were due: Sent and dropped ones.
	Requests int64 `json:"requests"`
	Sent     int64 `json:"sent"`
	InFlight int64 `json:"inFlight"`
	OK       int64 `json:"ok"`
	// Failed counts failed answers, requests without an answer and dropped requests.
	Failed int64 `json:"failed"`
	// Rate is Sent per second of sending.
	Rate float64 `json:"rate"`
	// Kinds counts the failed by kind: "status 503", KindTimeout.
	Kinds map[string]int64 `json:"kinds"`
	// Blamed counts the failed by who Options.FailedHeader names, or Unattributed. An answer may name several.
	Blamed map[string]int64 `json:"blamed,omitempty"`
	// Versions counts the answers by each entry of Options.VersionHeader: "reviews=v2".
	Versions map[string]Count `json:"versions,omitempty"`
	// Latency is that of all answers, failed ones included, from when they were due.
	Latency Latency `json:"latency"`
	// Last is the last whole second.
	Last Second `json:"last"`
}

// Count is the answers of one version.
type Count struct {
	OK     int64 `json:"ok"`
	Failed int64 `json:"failed"`
}

// Latency is in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Second is what happened within one second of the run: requests that were due and answers that came, not necessarily to
// the same requests.
type Second struct {
	// At is the number of the second, from 0.
	At       int              `json:"at"`
	Requests int64            `json:"requests"`
	OK       int64            `json:"ok"`
	Failed   int64            `json:"failed"`
	Versions map[string]int64 `json:"versions,omitempty"`
	Latency  Latency          `json:"latency"`
}

// Sample is one failure, kept whole for diagnosis.
type Sample struct {
	// Due is when the request was due.
	Due  time.Time `json:"due"`
	Kind string    `json:"kind"`
	// Status is 0 when there was no answer.
	Status int `json:"status,omitempty"`
	// Error is why there was no whole answer; Reason why the answer was what it was, in the words of the server.
	Error   string            `json:"error,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Blamed  []string          `json:"blamed,omitempty"`
	Header  map[string]string `json:"header,omitempty"`
	Body    string            `json:"body,omitempty"`
	Latency float64           `json:"latency"`
}

// Result is a run that is over.
type Result struct {
	Snapshot
	// Series holds every second, at most the last 3600.
	Series []Second `json:"series"`
	// Samples holds the first failures, at most Options.MaxSamples.
	Samples []Sample `json:"samples"`
}
