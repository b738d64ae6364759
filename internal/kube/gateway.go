// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// remembered is how long what was seen of the gateway is used.
const remembered = 10 * time.Second

// Gateway is what there is of the ingress gateway; empty when nothing was found.
type Gateway struct {
	// Namespace its pods run in.
	Namespace string
	// Accounts are the service accounts of its pods, as namespace/name, sorted.
	Accounts []string
	// Addresses by which it is reached from outside, and the ports it has there. No address may be known.
	Addresses []string
	Ports     []int32
}

// Gateways looks for the ingress gateway, and remembers it for a while. Its zero value is ready, and safe for concurrent use.
type Gateways struct {
	mu    sync.Mutex
	seen  Gateway
	until time.Time
}

// Look finds the gateway by the labels of its pods, in any namespace. What cannot be read is not there.
func (g *Gateways) Look(ctx context.Context, reader client.Reader, selector map[string]string) Gateway {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().Before(g.until) {
		return g.seen
	}
	g.seen = findGateway(ctx, reader, selector)
	g.until = time.Now().Add(remembered)
	return g.seen
}

func findGateway(ctx context.Context, reader client.Reader, selector map[string]string) Gateway {
	if len(selector) == 0 {
		selector = map[string]string{"istio": "ingressgateway"}
	}
	var pods corev1.PodList
	if err := reader.List(ctx, &pods, client.MatchingLabels(selector)); err != nil || len(pods.Items) == 0 {
		return Gateway{}
	}
	g := Gateway{Namespace: pods.Items[0].Namespace}
	for i := range pods.Items {
		g.Accounts = append(g.Accounts, pods.Items[i].Namespace+"/"+pods.Items[i].Spec.ServiceAccountName)
	}
	slices.Sort(g.Accounts)
	g.Accounts = slices.Compact(g.Accounts)
	var services corev1.ServiceList
	if err := reader.List(ctx, &services, client.InNamespace(g.Namespace)); err != nil {
		return g
	}
	for i := range services.Items {
		s := &services.Items[i]
		if len(s.Spec.Selector) > 0 && labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(pods.Items[0].Labels)) {
			g.add(s)
		}
	}
	slices.Sort(g.Ports)
	g.Ports = slices.Compact(g.Ports)
	return g
}

func (g *Gateway) add(s *corev1.Service) {
	for _, p := range s.Spec.Ports {
		g.Ports = append(g.Ports, p.Port)
	}
	g.Addresses = append(g.Addresses, s.Spec.ExternalIPs...)
	for _, in := range s.Status.LoadBalancer.Ingress {
		if in.Hostname != "" {
			g.Addresses = append(g.Addresses, in.Hostname)
		} else if in.IP != "" {
			g.Addresses = append(g.Addresses, in.IP)
		}
	}
}
