// SPDX-License-Identifier: Apache-2.0

// Package dns says what runs the cluster's names: CoreDNS as a Deployment, answering for services and pods alone.
package dns

import (
	_ "embed"
	"strings"

	"weir.dev/weir/cluster/manifest"
	"weir.dev/weir/cluster/network"
)

// Namespace and Name of the Deployment.
const (
	Namespace = "kube-system"
	Name      = "coredns"
)

//go:embed coredns.yaml
var template string

// Objects returns what is to be applied, with the CoreDNS image of that name.
func Objects(image string) ([]*manifest.Object, error) {
	text := strings.NewReplacer("IMAGE", image, "DNS_SERVICE_IP", network.DNSServiceIP).Replace(template)
	return manifest.Parse([]byte(text))
}
