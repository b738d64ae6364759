// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// rule is one step of Prometheus' relabelling, in its own words.
type rule struct {
	Source      []string `json:"source_labels,omitempty"`
	Separator   string   `json:"separator,omitempty"`
	Regex       string   `json:"regex,omitempty"`
	Target      string   `json:"target_label,omitempty"`
	Replacement *string  `json:"replacement,omitempty"`
	Action      string   `json:"action,omitempty"`
}

// joint stands between the values that a rule reads. Neither names nor identities contain it.
const joint = "@"

// set gives target the value if the joined source labels match; $1 is the first group.
func set(target, value, regex string, source ...string) rule {
	return rule{Source: source, Separator: joint, Regex: regex, Target: target, Replacement: &value}
}

// Labels that a pod is known by at its own side; see scrape.yaml. Like those of package mesh that start with x_, they
// are gone in the end.
const (
	ownNamespace = "namespace"
	ownApp       = "x_app"
	ownVersion   = "x_version"
)

// metricRules turn the tags that package mesh lets Envoy write into Istio's labels.
func metricRules() []rule {
	rules := []rule{
		set("__name__", "$1", "envoy_(istio_.+)", "__name__"),
		{Source: []string{"__name__"}, Regex: "envoy_.+|istio_agent_.+|(go|process)_.+", Action: "drop"},
	}
	rules = append(rules, own("source")...)
	rules = append(rules, own("destination")...)
	rules = append(rules, asSourceSees()...)
	rules = append(rules, asDestinationSees()...)
	rules = append(rules, protocols()...)
	rules = append(rules, unknowns()...)
	return append(rules, rule{Regex: "x_.+", Action: "labeldrop"})
}

// own names the reporting side by what Prometheus knows of its pod.
func own(side string) []rule {
	rules := []rule{
		set(side+"_workload", "$1", side+"@(.+)", "reporter", "x_workload"),
		set(side+"_workload_namespace", "$1", side+"@(.+)", "reporter", ownNamespace),
	}
	for _, label := range []string{"_app", "_canonical_service"} {
		rules = append(rules, set(side+label, "$1", side+"@(.+)", "reporter", ownApp))
	}
	for _, label := range []string{"_version", "_canonical_revision"} {
		rules = append(rules, set(side+label, "$1", side+"@(.+)", "reporter", ownVersion))
	}
	return rules
}

// asSourceSees names the far side by the cluster that was chosen, outbound|port|subset|host, and more exactly by the
// workload that was reached: name;namespace;service;revision;cluster. Without one, the subset tells the version.
func asSourceSees() []rule {
	cluster := func(target, regex string) rule {
		return set(target, "$1", "source@"+regex, "reporter", "x_upstream")
	}
	peer := func(target, group string) rule {
		return set(target, group, "source@([^;@]*);([^;@]*);([^;@]*);([^;@]*);.*", "reporter", "x_peer")
	}
	return []rule{
		cluster("destination_service", `outbound\|\d+\|[^|]*\|([^;|]+);?`),
		cluster("destination_service_name", `outbound\|\d+\|[^|]*\|([^;|]+);?`),
		cluster("destination_service_name", `outbound\|\d+\|[^|]*\|([^.;|]+)\.[^.;|]+\.svc\.[^;|]+;?`),
		cluster("destination_service_namespace", `outbound\|\d+\|[^|]*\|[^.;|]+\.([^.;|]+)\.svc\.[^;|]+;?`),
		cluster("destination_service_name", `(PassthroughCluster|BlackHoleCluster);?`),
		cluster("destination_version", `outbound\|\d+\|([^|]+)\|[^;|]+;?`),
		cluster("destination_canonical_revision", `outbound\|\d+\|([^|]+)\|[^;|]+;?`),
		peer("destination_workload", "$1"),
		peer("destination_workload_namespace", "$2"),
		peer("destination_app", "$3"),
		peer("destination_canonical_service", "$3"),
		peer("destination_version", "$4"),
		peer("destination_canonical_revision", "$4"),
	}
}

// asDestinationSees names the far side by its identity alone, spiffe://domain/ns/namespace/sa/account, and the service
// by the cluster's metadata.
func asDestinationSees() []rule {
	caller := func(target, value, regex string) rule {
		return set(target, value, "destination@"+regex, "reporter", "x_principal")
	}
	service := func(target, field string) rule {
		return set(target, "$1", `destination@[^}]*"`+field+`":"([^"]+)".*`, "reporter", "x_services")
	}
	const identity = "spiffe://[^/]+/ns/([^/]+)/sa/(.+)"
	return []rule{
		service("destination_service", "host"),
		service("destination_service_name", "name"),
		service("destination_service_namespace", "namespace"),
		caller("source_principal", "$1", "(spiffe://.+)"),
		caller("source_workload_namespace", "$1", identity),
		caller("source_workload", "$2", identity),
		caller("source_app", "$2", identity),
		caller("source_canonical_service", "$2", identity),
		caller("connection_security_policy", "none", ".*"),
		// When a connection is opened the handshake is not over yet, so nobody knows.
		set("connection_security_policy", "unknown", "istio_tcp_connections_opened_total@none",
			"__name__", "connection_security_policy"),
		caller("connection_security_policy", "mutual_tls", identity),
	}
}

func protocols() []rule {
	return []rule{
		set("request_protocol", "http", "istio_request.+", "__name__"),
		set("request_protocol", "grpc", `istio_request.+@\d+`, "__name__", "grpc_response_status"),
		set("request_protocol", "tcp", "istio_tcp_.+", "__name__"),
		// Envoy writes a dash for what it does not have; Istio leaves that label out.
		set("grpc_response_status", "", "istio_.+@-", "__name__", "grpc_response_status"),
	}
}

// unknowns fills what is still empty with the word that Istio uses.
func unknowns() []rule {
	var rules []rule
	for _, side := range []string{"source", "destination"} {
		for _, label := range []string{
			"_workload", "_workload_namespace", "_app", "_version", "_canonical_service", "_canonical_revision", "_principal",
		} {
			rules = append(rules, fill(side+label))
		}
	}
	for _, label := range []string{"", "_name", "_namespace"} {
		rules = append(rules, fill("destination_service"+label))
	}
	return append(rules, fill("connection_security_policy"))
}

func fill(label string) rule {
	return set(label, "unknown", "(source|destination)@-?", "reporter", label)
}

// Config returns the configuration file of Prometheus.
func Config() (string, error) {
	rules, err := yaml.Marshal(metricRules())
	if err != nil {
		return "", fmt.Errorf("write relabel rules: %w", err)
	}
	indented := "  " + strings.ReplaceAll(strings.TrimSpace(string(rules)), "\n", "\n  ")
	return scrape + "  metric_relabel_configs:\n" + indented + "\n", nil
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}
