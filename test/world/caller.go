// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/mesh"
)

// Callers are proxies that serve whatever the API server holds when they are asked, and never lie about it.
type Callers struct {
	client client.Client

	mu     sync.Mutex
	sample mesh.Sample
	proofs []Proof
	// delay is how long after its last change a route is served.
	delay   time.Duration
	changed map[string]time.Time
}

// Proof is what all callers were seen to serve: the objects as they were at a revision.
type Proof struct {
	Revision int64
	At       time.Time
	// Subsets is true when it was asked, too, whether they can be reached.
	Subsets bool
}

// NewCallers returns callers that saw only good answers so far.
func NewCallers(c client.Client) *Callers {
	return &Callers{client: c, changed: map[string]time.Time{}, sample: mesh.Sample{Requests: 1000}}
}

// Saw says what they saw of the new version.
func (c *Callers) Saw(sample mesh.Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sample = sample
}

// Delay makes callers slower from now on: they serve a route only so long after it was seen to have changed.
func (c *Callers) Delay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delay = d
}

// late tells whether the newest of the routes is still on its way.
func (c *Callers) late(revision string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, seen := c.changed[revision]; !seen {
		c.changed[revision] = time.Now()
	}
	return time.Since(c.changed[revision]) < c.delay
}

// Proofs given so far.
func (c *Callers) Proofs() []Proof {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.proofs)
}

// Measure returns what the test said they saw.
func (c *Callers) Measure(context.Context, mesh.Window) (mesh.Sample, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sample, nil
}

// Prove compares the route with the objects that there are.
func (c *Callers) Prove(ctx context.Context, route mesh.Route) (mesh.Proof, error) {
	component, _, _ := strings.Cut(route.Host, ".")
	var rules istionet.DestinationRuleList
	var services istionet.VirtualServiceList
	if err := c.client.List(ctx, &rules, client.InNamespace(route.Namespace)); err != nil {
		return mesh.Proof{}, fmt.Errorf("ask the callers: %w", err)
	}
	if err := c.client.List(ctx, &services, client.InNamespace(route.Namespace)); err != nil {
		return mesh.Proof{}, fmt.Errorf("ask the callers: %w", err)
	}
	newest := ""
	for _, vs := range services.Items {
		if vs.Name == component {
			newest = string(vs.UID) + vs.ResourceVersion
		}
	}
	if c.late(newest) || !serves(services.Items, component, route) || !reaches(rules.Items, component, route.Subsets) {
		return mesh.Proof{Method: "pretended", Proxies: 1, Lagging: []string{"caller"}}, nil
	}
	revision, err := strconv.ParseInt(services.ResourceVersion, 10, 64)
	if err != nil {
		return mesh.Proof{}, fmt.Errorf("revision of the routes: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proofs = append(c.proofs, Proof{Revision: revision, At: time.Now(), Subsets: len(route.Subsets) > 0})
	return mesh.Proof{Served: true, Method: "pretended", Proxies: 1}, nil
}

func serves(all []*istionet.VirtualService, component string, route mesh.Route) bool {
	for _, vs := range all {
		if vs.Name != component {
			continue
		}
		// What tells routes of one component apart, such as their ports, follows the name after a dot.
		named := route.Name == "" || slices.ContainsFunc(vs.Spec.GetHttp(), func(r *networking.HTTPRoute) bool {
			return r.GetName() == route.Name || strings.HasPrefix(r.GetName(), route.Name+".")
		})
		return named && maps.Equal(Weights(vs), nonzero(route.Weights))
	}
	return false
}

func reaches(all []*istionet.DestinationRule, component string, subsets []string) bool {
	for _, rule := range all {
		if rule.Name != component {
			continue
		}
		return !slices.ContainsFunc(subsets, func(name string) bool {
			return !slices.ContainsFunc(rule.Spec.GetSubsets(), func(s *networking.Subset) bool { return s.GetName() == name })
		})
	}
	return false
}

// Weights are what the route that takes every request, or every connection where there are no requests, gives to each
// subset, in percent.
func Weights(vs *istionet.VirtualService) map[string]int32 {
	out := map[string]int32{}
	if routes := vs.Spec.GetHttp(); len(routes) > 0 {
		destinations := routes[len(routes)-1].GetRoute()
		for _, d := range destinations {
			out[d.GetDestination().GetSubset()] += share(d.GetWeight(), len(destinations))
		}
	} else if routes := vs.Spec.GetTcp(); len(routes) > 0 {
		destinations := routes[len(routes)-1].GetRoute()
		for _, d := range destinations {
			out[d.GetDestination().GetSubset()] += share(d.GetWeight(), len(destinations))
		}
	}
	return nonzero(out)
}

// share of the only destination is all, whatever is written.
func share(weight int32, destinations int) int32 {
	if destinations == 1 {
		return 100
	}
	return weight
}

func nonzero(weights map[string]int32) map[string]int32 {
	out := maps.Clone(weights)
	maps.DeleteFunc(out, func(_ string, w int32) bool { return w == 0 })
	return out
}
