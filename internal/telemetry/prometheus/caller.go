// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"weir.dev/weir/internal/mesh"
)

// sentMetrics count what proxies send: HTTP requests and TCP connections.
const sentMetrics = requestsMetric + "|istio_tcp_connections_opened_total"

// Callers says what each proxy that calls the host sent to each version, in the windows that begin at the given times and
// end now. Requests that no version answered are left out. It costs one query, two when there is no caller; each may take 2 s.
func (m *Measurer) Callers(ctx context.Context, host string, since []time.Time, now time.Time) (mesh.Traffic, error) {
	if len(since) == 0 {
		return mesh.Traffic{}, nil
	}
	first := slices.MinFunc(since, time.Time.Compare)
	query := fmt.Sprintf(`{__name__=~%q,reporter="source",destination_service=%s}[%ds]`,
		sentMetrics, strconv.Quote(host), seconds(now.Sub(first)+lookback))
	all, err := m.own.matrix(ctx, query, func(ctx context.Context) (model.Value, promv1.Warnings, promv1.Infos, error) {
		return m.own.api.Query(ctx, query, now, promv1.WithTimeout(timeout))
	})
	if err != nil {
		return mesh.Traffic{}, err
	}
	out := traffic(all, since)
	if out.Alive = len(all) > 0; !out.Alive {
		out.Alive, err = m.alive(ctx, now)
	}
	return out, err
}

// alive asks whether any proxy reports what it sends.
func (m *Measurer) alive(ctx context.Context, now time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	query := fmt.Sprintf(`group({__name__=~%q,reporter="source"})`, sentMetrics)
	value, _, _, err := m.own.api.Query(ctx, query, now, promv1.WithTimeout(timeout))
	if err != nil {
		return false, m.own.failure(query, err)
	}
	vector, ok := value.(model.Vector)
	return ok && len(vector) > 0, nil
}

// traffic sums what was sent by proxy and version.
func traffic(all []series, since []time.Time) mesh.Traffic {
	out := mesh.Traffic{Every: interval(all)}
	at := map[string]int{}
	for _, s := range all {
		if last := s.points[len(s.points)-1].at; last.After(out.Newest) {
			out.Newest = last
		}
		version := s.labels["destination_version"]
		if version == "" || version == unknown {
			continue
		}
		c := callerOf(s.labels)
		key := c.Workload + " " + c.Proxy
		i, known := at[key]
		if !known {
			i = len(out.Callers)
			at[key] = i
			c.Sent = make([]map[string]float64, len(since))
			for w := range since {
				c.Sent[w] = map[string]float64{}
			}
			out.Callers = append(out.Callers, c)
		}
		for w, start := range since {
			out.Callers[i].Sent[w][version] += growth(s.points, start, out.Every)
		}
	}
	slices.SortFunc(out.Callers, func(a, b mesh.Caller) int {
		return cmp.Or(cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Proxy, b.Proxy))
	})
	return out
}

// callerOf is the one who counts. Its pod is told by a label that scrapers add by custom; else its address.
func callerOf(labels map[string]string) mesh.Caller {
	namespace := labels["source_workload_namespace"]
	c := mesh.Caller{Workload: namespace + "/" + labels["source_workload"]}
	if pod := cmp.Or(labels["pod"], labels["pod_name"], labels["kubernetes_pod_name"], labels["instance"]); pod != "" {
		c.Proxy = namespace + "/" + pod
	}
	return c
}
