// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"time"

	"weir.dev/weir/cluster/dns"
	"weir.dev/weir/cluster/manifest"
	"weir.dev/weir/cluster/mesh"
	"weir.dev/weir/cluster/monitoring"
	"weir.dev/weir/cluster/part"
)

// deployment is a part that runs as pods.
type deployment struct{ namespace, name, part string }

var deployments = []deployment{
	{dns.Namespace, dns.Name, "coredns"},
	{mesh.SystemNamespace, "istiod", "pilot"},
	{mesh.GatewayNamespace, mesh.GatewayName, "proxyv2"},
	{monitoring.Namespace, monitoring.Name, "prometheus"},
}

// pods asks the API server for the parts that run as pods.
func (b *builder) pods(ctx context.Context) []PartStatus {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	client, dialErr := manifest.Dial(b.dir.Kubeconfig())
	var statuses []PartStatus
	for _, d := range deployments {
		status := PartStatus{Name: d.name, Kind: "pod", Version: part.Version(d.part)}
		if dialErr != nil {
			status.Note = dialErr.Error()
		} else {
			b.lookAt(ctx, client, d, &status)
		}
		statuses = append(statuses, status)
	}
	return statuses
}

func (b *builder) lookAt(ctx context.Context, client *manifest.Client, d deployment, status *PartStatus) {
	pods, err := client.Pods(ctx, d.namespace, d.name)
	if err != nil {
		status.Note = err.Error()
		return
	}
	ready := 0
	for _, pod := range pods {
		status.MemoryBytes += resident(b.enclave.PodProcesses(pod.UID)...)
		if pod.Ready {
			ready++
		} else {
			status.Note = pod.Reason
		}
	}
	status.Ready = ready > 0 && ready == len(pods)
	if status.Note == "" {
		status.Note = fmt.Sprintf("%d of %d pods", ready, len(pods))
	}
}
