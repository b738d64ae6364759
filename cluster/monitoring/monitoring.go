// SPDX-License-Identifier: Apache-2.0

// Package monitoring says how Prometheus runs in a cluster, and how it turns what stock Envoy reports into Istio's
// standard metrics with Istio's own labels.
package monitoring

import (
	_ "embed"
	"strconv"
	"strings"

	"weir.dev/weir/cluster/manifest"
)

// Where Prometheus runs.
const (
	Namespace = "istio-system"
	Name      = "prometheus"
	// NodePort is where the node serves Prometheus.
	NodePort = 30090
)

var (
	//go:embed prometheus.yaml
	template string
	//go:embed scrape.yaml
	scrape string
)

// Objects returns what is to be applied, with the Prometheus image of that name.
func Objects(image string) ([]*manifest.Object, error) {
	config, err := Config()
	if err != nil {
		return nil, err
	}
	text := strings.NewReplacer(
		"IMAGE", image, "NODE_PORT", strconv.Itoa(NodePort), "CONFIG_HASH", hash(config),
	).Replace(template)
	objects, err := manifest.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		if object.GetKind() == "ConfigMap" {
			object.Object["data"] = map[string]any{"prometheus.yml": config}
		}
	}
	return objects, nil
}
