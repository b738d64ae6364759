// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir.dev/weir/internal/mesh"
)

// Names and labels of Istio's standard metrics (istio.io, reference/config/metrics).
const (
	requestsMetric = "istio_requests_total"
	bucketMetric   = "istio_request_duration_milliseconds_bucket"
	// unknown is the version of a request that reached no upstream, as Istio's own proxies report it.
	unknown = "unknown"
	// faultyCode matches the codes of failed requests: the server's faults, and none at all.
	faultyCode = "5..|0"
)

// selector picks the counters of metric that proxies keep of the versions: those of the callers, or, for what is
// received, those of the version's own pods. Callers' proxies do not count copies of requests
// (https://github.com/istio/istio/issues/23496), and those may come with another name of the host.
func selector(metric string, w mesh.Window, versions ...string) string {
	var names []string
	for _, v := range versions {
		if v != "" {
			names = append(names, regexp.QuoteMeta(v))
		}
	}
	reporter, host := `reporter="source"`, "destination_service="+strconv.Quote(w.Host)
	if w.Received {
		reporter, host = `reporter="destination"`, "destination_service=~"+strconv.Quote(regexp.QuoteMeta(w.Host)+"(-shadow)?")
	}
	labels := []string{reporter, host, "destination_version=~" + strconv.Quote(strings.Join(append(names, unknown), "|"))}
	return metric + "{" + strings.Join(labels, ",") + "}"
}

// with adds a matcher to a selector.
func with(selector, matcher string) string {
	return strings.TrimSuffix(selector, "}") + "," + matcher + "}"
}

// difference is PromQL that shows, at any later time, by how much the selected counters grew in the window.
func difference(selector string, w mesh.Window) string {
	return fmt.Sprintf("sum(max_over_time(%s[%ds] @ %s)) - (sum(%s @ %s) or vector(0))",
		selector, seconds(w.Until.Sub(w.Since)), unix(w.Until), selector, unix(w.Since))
}

// besidePrefix begins the names of queries for the version beside.
const besidePrefix = "beside "

// explained are the queries that show a person what was measured.
func explained(w mesh.Window) map[string]string {
	queries := map[string]string{}
	for prefix, version := range map[string]string{"": w.Version, besidePrefix: w.Beside} {
		if version == "" {
			continue
		}
		requests := selector(requestsMetric, w, version)
		queries[prefix+"requests"] = difference(requests, w)
		queries[prefix+"failed"] = difference(with(requests, `response_code=~"`+faultyCode+`"`), w)
		queries[prefix+"unanswered"] = difference(with(requests, `response_flags=~"(.*,)?(`+flags+`)(,.*)?"`), w)
		if w.Quantile > 0 {
			queries[prefix+"latency"] = fmt.Sprintf("histogram_quantile(%g, sum by (le) (increase(%s[%ds] @ %s)))",
				w.Quantile, selector(bucketMetric, w, version), seconds(w.Until.Sub(w.Since)), unix(w.Until))
		}
	}
	for name, query := range w.Queries {
		queries["metric "+name] = query
	}
	return queries
}

var flags = strings.Join(slices.Sorted(maps.Keys(unanswered)), "|")

// seconds rounds up, since PromQL of every age understands whole seconds.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

func unix(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}
