// SPDX-License-Identifier: Apache-2.0

// Package mesh is the vocabulary that every other part speaks: routes as callers see them, and what was measured on them.
package mesh

import (
	"context"
	"time"
)

// ProxyContainer is the name of the container that injection adds, the sidecar.
const ProxyContainer = "istio-proxy"

// Route is what every caller's proxy should serve for one host.
type Route struct {
	// Host is the fully qualified name callers use, such as reviews.shop.svc.cluster.local.
	Host string
	// Namespace the host lives in.
	Namespace string
	// Ports that are routed.
	Ports []int32
	// Subsets that must have pods a caller can reach, sorted. A weighted subset that is not among them may be down.
	Subsets []string
	// Weights is the share of each subset in percent; they sum to 100. Subsets left out have none.
	Weights map[string]int32
	// Picked is true when rules before the weights pick requests by what they say, so that what is sent to a subset need
	// not be its weight.
	Picked bool
	// Name is that of the HTTP routes, a digest of all they say. A proxy whose routes have another name is behind. Empty
	// when it is not known.
	Name string
}

// Proof tells how far the proxies have come with a Route.
type Proof struct {
	// Served is true when every caller's proxy serves the route and can reach its subsets.
	Served bool
	// Method by which that was seen, such as istiod-sync.
	Method string
	// Proxies that were asked.
	Proxies int
	// Lagging names the proxies that do not serve it yet, as namespace/pod, sorted.
	Lagging []string
	// Waits says what else is waited for, in words; empty when nothing is.
	Waits string
}

// Traffic is what callers of one host sent.
type Traffic struct {
	Callers []Caller
	// Newest is when a caller was last heard of, and Every how often that is; zero when there is no caller.
	Newest time.Time
	Every  time.Duration
	// Alive is true when any proxy at all reports what it sends.
	Alive bool
}

// Caller is one proxy that sends requests to a host.
type Caller struct {
	// Workload it belongs to, as namespace/name, and Proxy, the same with its pod; empty when that is not told.
	Workload, Proxy string
	// Sent is how many requests, or connections, each version got, in each of the windows that were asked for.
	Sent []map[string]float64
}

// Prover tells how far the callers' proxies have come with a route. It waits for nothing, and may be called often while a
// change is under way; an error means that nothing could be learned.
type Prover interface {
	Prove(ctx context.Context, route Route) (Proof, error)
}
