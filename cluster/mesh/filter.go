// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"

	"weir.dev/weir/cluster/manifest"
)

// reporter is one vantage point of Istio's metrics, with what Envoy calls it in an EnvoyFilter.
type reporter struct{ name, context string }

var reporters = []reporter{
	{"source", "SIDECAR_OUTBOUND"},
	{"source", "GATEWAY"},
	{"destination", "SIDECAR_INBOUND"},
}

// Tags that only this package and package monitoring know, where they are turned into Istio's labels. What the pod's
// own name, application and version are, Prometheus knows already.
const (
	tagReporter  = "reporter"
	tagWorkload  = "x_workload"
	tagUpstream  = "x_upstream"
	tagPeer      = "x_peer"
	tagServices  = "x_services"
	tagPrincipal = "x_principal"
)

// Filters returns what makes stock Envoy report Istio's standard metrics: its stats access logger, added to every
// HTTP connection manager and TCP proxy.
func Filters() ([]*manifest.Object, error) {
	var patches []any
	for _, r := range reporters {
		patches = append(patches, r.httpPatch(), r.tcpPatch())
	}
	filter := &manifest.Object{Object: map[string]any{
		"apiVersion": "networking.istio.io/v1alpha3",
		"kind":       "EnvoyFilter",
		"metadata":   map[string]any{"name": "weir-metrics", "namespace": SystemNamespace},
		"spec":       map[string]any{"configPatches": patches},
	}}
	return []*manifest.Object{filter}, nil
}

func (r reporter) httpPatch() map[string]any {
	tags := append(r.tags(), tag("response_code", "%RESPONSE_CODE%"),
		tag("grpc_response_status", "%GRPC_STATUS_NUMBER%"))
	return r.patch("envoy.filters.network.http_connection_manager",
		"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
		map[string]any{"access_log": []any{logger("http", nil,
			[]any{counter("requests_total", "", tags)},
			[]any{histogram("request_duration_milliseconds", "%DURATION%", tags)},
		)}})
}

// tcpPatch counts a connection when its upstream is there and again when it ends; only then are its bytes known.
func (r reporter) tcpPatch() map[string]any {
	tags := r.tags()
	opened := []any{counter("tcp_connections_opened_total", "", tags)}
	closed := []any{
		counter("tcp_connections_closed_total", "", tags),
		counter("tcp_sent_bytes_total", "%BYTES_SENT%", tags),
		counter("tcp_received_bytes_total", "%BYTES_RECEIVED%", tags),
	}
	return r.patch("envoy.filters.network.tcp_proxy",
		"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
		map[string]any{
			"access_log_options": map[string]any{"flush_access_log_on_connected": true},
			"access_log": []any{
				logger("tcp-opened", []any{"TcpUpstreamConnected"}, opened, nil),
				logger("tcp-closed", []any{"TcpConnectionEnd"}, closed, nil),
			},
		})
}

func (r reporter) tags() []any {
	tags := []any{
		tag(tagReporter, r.name),
		tag("response_flags", "%RESPONSE_FLAGS%"),
		tag(tagWorkload, "%ENVIRONMENT(ISTIO_META_WORKLOAD_NAME)%"),
	}
	if r.name == "source" {
		return append(tags,
			tag(tagUpstream, "%UPSTREAM_CLUSTER_RAW%"),
			tag(tagPeer, "%UPSTREAM_METADATA(istio:workload)%"),
		)
	}
	return append(tags,
		tag(tagServices, "%METADATA(CLUSTER:istio:services)%"),
		tag(tagPrincipal, "%DOWNSTREAM_PEER_URI_SAN%"),
	)
}

func (r reporter) patch(filter, kind string, config map[string]any) map[string]any {
	config["@type"] = kind
	return map[string]any{
		"applyTo": "NETWORK_FILTER",
		"match": map[string]any{
			"context":  r.context,
			"listener": map[string]any{"filterChain": map[string]any{"filter": map[string]any{"name": filter}}},
		},
		"patch": map[string]any{"operation": "MERGE", "value": map[string]any{"typed_config": config}},
	}
}

func logger(name string, types, counters, histograms []any) map[string]any {
	config := map[string]any{
		"@type":       "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config",
		"stat_prefix": "istio",
		"counters":    counters,
	}
	if histograms != nil {
		config["histograms"] = histograms
	}
	log := map[string]any{"name": fmt.Sprintf("weir.metrics.%s", name), "typed_config": config}
	if types != nil {
		log["filter"] = map[string]any{"log_type_filter": map[string]any{"types": types}}
	}
	return log
}

func tag(name, format string) map[string]any {
	return map[string]any{"name": name, "value_format": format}
}

// counter adds the value of a format to a counter, or 1 if there is none.
func counter(name, format string, tags []any) map[string]any {
	counter := map[string]any{"stat": map[string]any{"name": name, "tags": tags}}
	if format == "" {
		counter["value_fixed"] = 1
	} else {
		counter["value_format"] = format
	}
	return counter
}

func histogram(name, format string, tags []any) map[string]any {
	return map[string]any{
		"stat": map[string]any{"name": name, "tags": tags}, "unit": "Milliseconds", "value_format": format,
	}
}
