// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var faulty = regexp.MustCompile("^(?:" + faultyCode + "|)$")

// unanswered are Envoy's response flags of requests that got no answer from an upstream (Envoy, access log
// %RESPONSE_FLAGS%). gRPC failures carry them with the code 200.
var unanswered = map[string]bool{
	"LH": true, "LR": true, "NC": true, "NR": true, "UC": true, "UF": true, "UH": true, "UMSDR": true, "UO": true,
	"UPE": true, "UR": true, "URX": true, "UT": true,
}

// grpcFault are the gRPC statuses that stand for a 5xx: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
// UNAVAILABLE and DATA_LOSS (google/rpc/code.proto).
var grpcFault = map[string]bool{"2": true, "4": true, "12": true, "13": true, "14": true, "15": true}

// failed tells whether the requests that a counter with these labels counts got a server's fault or no answer.
func failed(labels map[string]string) bool {
	if faulty.MatchString(labels["response_code"]) || grpcFault[labels["grpc_response_status"]] {
		return true
	}
	for flag := range strings.SplitSeq(labels["response_flags"], ",") {
		if unanswered[flag] {
			return true
		}
	}
	return false
}

// count sums the requests after since, of counters that were scraped every so often, and those of them that failed. Requests whose version is unknown count only
// when they failed: they may have been meant for the version, and no better is known.
func count(all []series, since time.Time, every time.Duration) (requests, failures float64) {
	for _, s := range all {
		bad := failed(s.labels)
		if !bad && s.labels["destination_version"] == unknown {
			continue
		}
		grown := growth(s.points, since, every)
		requests += grown
		if bad {
			failures += grown
		}
	}
	return requests, failures
}

// latency is the quantile q of the durations after since, negative when there are none. The buckets' unit is 1 ms.
func latency(q float64, all []series, since time.Time, every time.Duration) time.Duration {
	byBound := map[float64]float64{}
	for _, s := range all {
		if s.labels["destination_version"] == unknown && !failed(s.labels) {
			continue
		}
		upper, err := strconv.ParseFloat(s.labels["le"], 64)
		if err != nil {
			continue
		}
		byBound[upper] += growth(s.points, since, every)
	}
	buckets := make([]bucket, 0, len(byBound))
	for upper, n := range byBound {
		buckets = append(buckets, bucket{upper, n})
	}
	at := quantile(q, buckets)
	if math.IsNaN(at) || math.IsInf(at, 0) {
		return -1
	}
	return time.Duration(at * float64(time.Millisecond))
}
