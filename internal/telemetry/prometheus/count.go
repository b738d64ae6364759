// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"weir.dev/weir/internal/mesh"
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
	return faulty.MatchString(labels["response_code"]) || grpcFault[labels["grpc_response_status"]] || lost(labels)
}

// lost tells whether they got no answer at all.
func lost(labels map[string]string) bool {
	for flag := range strings.SplitSeq(labels["response_flags"], ",") {
		if unanswered[flag] {
			return true
		}
	}
	return false
}

// scrapes are counters as they were scraped every so often, of which what came after since counts.
type scrapes struct {
	all   []series
	since time.Time
	every time.Duration
}

// count sums the requests to a version and those of them that failed. Requests whose version is unknown count only when
// they failed: they may have been meant for the version, and no better is known.
func (c scrapes) count(version string) mesh.Sample {
	var sum mesh.Sample
	for _, s := range c.all {
		bad, is := failed(s.labels), s.labels["destination_version"]
		if is != version && (is != unknown || !bad) {
			continue
		}
		grown := growth(s.points, c.since, c.every)
		sum.Requests += grown
		if bad {
			sum.Failed += grown
		}
		if lost(s.labels) {
			sum.Unanswered += grown
		}
		if is != version {
			sum.Lost += grown
		}
	}
	return sum
}

// latency is how long the requests to a version took. The buckets' unit is 1 ms.
func (c scrapes) latency(version string) mesh.Histogram {
	byBound := map[time.Duration]float64{}
	for _, s := range c.all {
		if is := s.labels["destination_version"]; is != version && (is != unknown || !failed(s.labels)) {
			continue
		}
		upper, err := strconv.ParseFloat(s.labels["le"], 64)
		if err != nil {
			continue
		}
		byBound[bound(upper)] += growth(s.points, c.since, c.every)
	}
	buckets := make([]mesh.Bucket, 0, len(byBound))
	for upper, n := range byBound {
		buckets = append(buckets, mesh.Bucket{Upper: upper, Count: n})
	}
	return mesh.NewHistogram(buckets)
}

// bound is a bucket's bound, in milliseconds, as a time.
func bound(ms float64) time.Duration {
	if ms >= float64(mesh.Endless/time.Millisecond) {
		return mesh.Endless
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// extent is the time between the first scrape that counts and the newest, and when that was; zero when there is none.
func (c scrapes) extent() (span time.Duration, newest time.Time) {
	var first time.Time
	for _, s := range c.all {
		for _, p := range s.points {
			if p.at.After(c.since) && (first.IsZero() || p.at.Before(first)) {
				first = p.at
			}
			if p.at.After(newest) {
				newest = p.at
			}
		}
	}
	if first.IsZero() {
		return 0, newest
	}
	return newest.Sub(first), newest
}
