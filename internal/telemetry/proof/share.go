// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"weir.dev/weir/internal/mesh"
)

// SharesMethod is the name of the way to prove by what callers send.
const SharesMethod = "request-shares"

const (
	// floor is for how long a route is watched at least, and the shortest window: a proxy that has not heard of the route by
	// then would show it.
	floor = 30 * time.Second
	// ceiling is for how long callers are watched that send too few requests to tell.
	ceiling = 2 * time.Minute
	// memory is how long ago a caller may have called last to be one.
	memory = 10 * time.Minute
	// scrapes that a window needs at least.
	scrapes = 3
)

// windows are the stretches of time that are looked at, the shortest first: who sends much shows soon what it does now.
var windows = []time.Duration{floor, time.Minute, 2 * time.Minute, 5 * time.Minute, memory}

// Observe says what each caller of the host sent to each version since the given times; see prometheus.Measurer.Callers.
type Observe func(ctx context.Context, host string, since []time.Time, now time.Time) (mesh.Traffic, error)

// Shares proves by what callers were seen to send. It is safe for concurrent use, and remembers since when it was asked
// about the route of each host.
type Shares struct {
	observe Observe
	now     func() time.Time

	mu    sync.Mutex
	asked map[string]question
}

// question is a route, and since when it is asked about.
type question struct {
	route mesh.Route
	since time.Time
}

// NewShares proves by what observe sees.
func NewShares(observe Observe) *Shares {
	return &Shares{observe: observe, now: time.Now, asked: map[string]question{}}
}

// Prove holds what callers send, since the route was first asked about, against it. It takes 30 s at least, and up to
// 2 min when callers send so little that nothing can be told. Proxies that did not send anything for 10 min are not known to
// it. A proxy lags when what it sends cannot come from the route.
func (s *Shares) Prove(ctx context.Context, route mesh.Route) (mesh.Proof, error) {
	now := s.now()
	since := s.since(route, now)
	traffic, err := s.observe(ctx, route.Host, starts(since, now), now)
	if err != nil {
		return mesh.Proof{}, err
	}
	switch silence := now.Sub(traffic.Newest); {
	case !traffic.Alive:
		return mesh.Proof{}, fmt.Errorf("no proxy reports what it sends; check that the metrics store scrapes the mesh")
	case len(traffic.Callers) > 0 && silence > max(floor, scrapes*traffic.Every):
		return mesh.Proof{}, fmt.Errorf("the newest that callers reported is %s old; check that the metrics store scrapes the mesh",
			silence.Round(time.Second))
	}
	return conclude(route, traffic, now.Sub(since)), nil
}

// since is when the route was first asked about.
func (s *Shares) since(route mesh.Route, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, known := s.asked[route.Host]
	if !known || !same(q.route, route) {
		q = question{route: route, since: now}
		s.asked[route.Host] = q
	}
	return q.since
}

func same(a, b mesh.Route) bool {
	return a.Name == b.Name && a.Picked == b.Picked && slices.Equal(a.Ports, b.Ports) && slices.Equal(a.Subsets, b.Subsets) &&
		maps.Equal(a.Weights, b.Weights)
}

// starts are those of the windows, none before the route was asked about; and last, of the one in which callers are known.
func starts(since, now time.Time) []time.Time {
	out := make([]time.Time, 0, len(windows)+1)
	for _, w := range windows {
		start := now.Add(-w)
		if start.Before(since) {
			start = since
		}
		out = append(out, start)
	}
	return append(out, now.Add(-memory))
}

// conclude is the proof when the route has been asked about for so long.
func conclude(route mesh.Route, traffic mesh.Traffic, asked time.Duration) mesh.Proof {
	out := mesh.Proof{Method: SharesMethod}
	quiet := 0
	for _, workload := range workloads(traffic) {
		out.Proxies += len(workload)
		said, lagging := hear(route, workload, traffic.Every, asked)
		out.Lagging = append(out.Lagging, lagging...)
		if said == open {
			quiet++
		}
	}
	slices.Sort(out.Lagging)
	switch {
	case len(out.Lagging) > 0:
	case asked < floor:
		out.Waits = fmt.Sprintf("what callers send is watched for %s, since istiod cannot be asked", floor)
	case asked < ceiling && (quiet > 0 || out.Proxies == 0):
		out.Waits = fmt.Sprintf("callers send too few requests to tell before they were watched for %s", ceiling)
	default:
		out.Served = true
	}
	return out
}

// workloads are the callers by workload; those that sent nothing of late are none.
func workloads(traffic mesh.Traffic) [][]mesh.Caller {
	var out [][]mesh.Caller
	for _, c := range traffic.Callers {
		if sum(c.Sent[len(c.Sent)-1]) == 0 {
			continue
		}
		if n := len(out); n > 0 && out[n-1][0].Workload == c.Workload {
			out[n-1] = append(out[n-1], c)
			continue
		}
		out = append(out, []mesh.Caller{c})
	}
	return out
}

// hear is what the workload's requests say, in the shortest window that tells anything, and which of its proxies differ.
func hear(route mesh.Route, workload []mesh.Caller, every, asked time.Duration) (opinion, []string) {
	for i, window := range windows {
		if i > 0 && windows[i-1] >= asked {
			break // it begins where the one before did
		}
		if min(window, asked) < scrapes*every {
			continue
		}
		pooled := map[string]float64{}
		var differ []string
		for _, c := range workload {
			for version, n := range c.Sent[i] {
				pooled[version] += n
			}
			if judge(route, c.Sent[i]) == differs {
				differ = append(differ, name(c))
			}
		}
		said := judge(route, pooled)
		if said == differs && len(differ) == 0 {
			differ = []string{workload[0].Workload}
		}
		if said != open || len(differ) > 0 {
			return said, differ
		}
	}
	return open, nil
}

// name is the proxy's, or the workload's when proxies are not told apart.
func name(c mesh.Caller) string {
	if c.Proxy != "" {
		return c.Proxy
	}
	return c.Workload
}

func sum(sent map[string]float64) float64 {
	var out float64
	for _, n := range sent {
		out += n
	}
	return out
}
