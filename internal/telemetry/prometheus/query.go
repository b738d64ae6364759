// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"fmt"
	"math"
	"regexp"
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

// selector picks the counters of metric that callers' proxies keep of the window's version.
func selector(metric string, w mesh.Window, more ...string) string {
	labels := append([]string{
		`reporter="source"`,
		"destination_service=" + strconv.Quote(w.Host),
		"destination_version=~" + strconv.Quote(regexp.QuoteMeta(w.Version)+"|"+unknown),
	}, more...)
	return metric + "{" + strings.Join(labels, ",") + "}"
}

// difference is PromQL that shows, at any later time, by how much the selected counters grew in the window.
func difference(selector string, w mesh.Window) string {
	return fmt.Sprintf("sum(max_over_time(%s[%ds] @ %s)) - (sum(%s @ %s) or vector(0))",
		selector, seconds(w.Until.Sub(w.Since)), unix(w.Until), selector, unix(w.Since))
}

// explained are the queries that show a person what was measured.
func explained(w mesh.Window) map[string]string {
	queries := map[string]string{
		"requests": difference(selector(requestsMetric, w), w),
		"failed":   difference(selector(requestsMetric, w, `response_code=~"`+faultyCode+`"`), w),
	}
	if w.Quantile > 0 {
		queries["latency"] = fmt.Sprintf("histogram_quantile(%g, sum by (le) (increase(%s[%ds] @ %s)))",
			w.Quantile, selector(bucketMetric, w), seconds(w.Until.Sub(w.Since)), unix(w.Until))
	}
	return queries
}

// seconds rounds up, since PromQL of every age understands whole seconds.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

func unix(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}
