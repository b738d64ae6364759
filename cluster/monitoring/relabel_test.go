// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// relabel does what Prometheus documents for the actions that are used here. It returns nil for a dropped series.
func relabel(labels map[string]string, rules []rule) map[string]string {
	for _, r := range rules {
		pattern := regexp.MustCompile("^(?s:" + r.Regex + ")$")
		var values []string
		for _, name := range r.Source {
			values = append(values, labels[name])
		}
		separator := r.Separator
		if separator == "" {
			separator = ";"
		}
		joined := strings.Join(values, separator)
		switch match := pattern.FindStringSubmatchIndex(joined); {
		case r.Action == "labeldrop":
			for name := range labels {
				if pattern.MatchString(name) {
					delete(labels, name)
				}
			}
		case match == nil:
		case r.Action == "drop":
			return nil
		default:
			value := string(pattern.ExpandString(nil, *r.Replacement, joined, match))
			if value == "" {
				delete(labels, r.Target)
			} else {
				labels[r.Target] = value
			}
		}
	}
	return labels
}

func TestMetricRules(t *testing.T) {
	const reviews = "reviews-v2;shop;reviews;v2;Kubernetes"
	common := map[string]string{
		"__name__": "envoy_istio_requests_total", "namespace": "shop", "x_app": "productpage", "x_version": "v1",
		"x_workload": "productpage-v1", "response_code": "200", "response_flags": "-", "grpc_response_status": "-",
	}
	tests := []struct {
		name string
		give map[string]string
		want map[string]string
	}{
		{
			"a call as the caller sees it",
			map[string]string{
				"reporter": "source", "x_upstream": "outbound|9080|canary|reviews.shop.svc.cluster.local;", "x_peer": reviews,
			},
			map[string]string{
				"__name__": "istio_requests_total", "request_protocol": "http", "connection_security_policy": "unknown",
				"source_workload": "productpage-v1", "source_workload_namespace": "shop", "source_app": "productpage",
				"source_version": "v1", "destination_service": "reviews.shop.svc.cluster.local",
				"destination_service_name": "reviews", "destination_service_namespace": "shop",
				"destination_workload": "reviews-v2", "destination_workload_namespace": "shop",
				"destination_app": "reviews", "destination_version": "v2",
			},
		},
		{
			"nobody was reached, so the subset tells the version",
			map[string]string{
				"reporter": "source", "x_upstream": "outbound|9080|v2|reviews.shop.svc.cluster.local", "x_peer": "-",
				"response_code": "503", "response_flags": "UF",
			},
			map[string]string{
				"destination_service_name": "reviews", "destination_version": "v2", "destination_workload": "unknown",
				"destination_app": "unknown", "response_code": "503", "response_flags": "UF",
			},
		},
		{
			"no route",
			map[string]string{"reporter": "source", "x_upstream": "-", "x_peer": "-", "response_flags": "NR"},
			map[string]string{"destination_service": "unknown", "destination_version": "unknown"},
		},
		{
			"a name outside the cluster",
			map[string]string{"reporter": "source", "x_upstream": "outbound|443||api.example.com", "x_peer": "-"},
			map[string]string{
				"destination_service": "api.example.com", "destination_service_name": "api.example.com",
				"destination_service_namespace": "unknown",
			},
		},
		{
			"a call as the receiver sees it",
			map[string]string{
				"reporter": "destination", "x_principal": "spiffe://cluster.local/ns/shop/sa/bookinfo-front",
				"x_services": `[{"host":"productpage.shop.svc.cluster.local","name":"productpage","namespace":"shop"}]`,
			},
			map[string]string{
				"destination_workload": "productpage-v1", "destination_app": "productpage", "destination_version": "v1",
				"destination_service": "productpage.shop.svc.cluster.local", "destination_service_name": "productpage",
				"destination_service_namespace": "shop", "source_workload": "bookinfo-front",
				"source_workload_namespace": "shop", "connection_security_policy": "mutual_tls",
				"source_principal": "spiffe://cluster.local/ns/shop/sa/bookinfo-front", "source_version": "unknown",
			},
		},
		{
			"a caller without a sidecar",
			map[string]string{"reporter": "destination", "x_principal": "-", "x_services": "-"},
			map[string]string{"connection_security_policy": "none", "source_workload": "unknown"},
		},
		{
			"gRPC",
			map[string]string{"reporter": "source", "x_upstream": "-", "x_peer": "-", "grpc_response_status": "14"},
			map[string]string{"request_protocol": "grpc", "grpc_response_status": "14"},
		},
		{
			"TCP",
			map[string]string{
				"__name__": "envoy_istio_tcp_sent_bytes_total", "reporter": "source", "x_peer": reviews,
				"x_upstream": "outbound|9080||reviews.shop.svc.cluster.local",
			},
			map[string]string{"__name__": "istio_tcp_sent_bytes_total", "request_protocol": "tcp", "destination_version": "v2"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			labels := map[string]string{}
			for _, from := range []map[string]string{common, test.give} {
				maps.Copy(labels, from)
			}
			got := relabel(labels, metricRules())
			picked := map[string]string{}
			for name := range test.want {
				picked[name] = got[name]
			}
			if diff := cmp.Diff(test.want, picked); diff != "" {
				t.Error(diff)
			}
			for name := range got {
				if strings.HasPrefix(name, "x_") || got[name] == "-" && name != "response_flags" {
					t.Errorf("label %s=%s is left", name, got[name])
				}
			}
		})
	}
}

func TestOtherMetricsOfEnvoyAreDropped(t *testing.T) {
	if got := relabel(map[string]string{"__name__": "envoy_cluster_upstream_cx_total"}, metricRules()); got != nil {
		t.Errorf("kept %v", got)
	}
	app := map[string]string{"__name__": "shop_orders_total", "reporter": ""}
	want := map[string]string{"__name__": "shop_orders_total", "reporter": ""}
	if diff := cmp.Diff(want, relabel(app, metricRules())); diff != "" {
		t.Error("an application's own metric was changed:", diff)
	}
}

func TestConfigIsYAML(t *testing.T) {
	text, err := Config()
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Scrape []struct {
			Rules []rule `json:"metric_relabel_configs"`
		} `json:"scrape_configs"`
	}
	if err := yaml.UnmarshalStrict([]byte(text), &map[string]any{}); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(metricRules(), config.Scrape[0].Rules); diff != "" {
		t.Error(diff)
	}
}
