// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir.dev/weir/internal/mesh"
)

const host = "reviews.shop.svc.cluster.local"

// proxy sends requests to versions, so many a second, from a time on.
type proxy struct {
	workload, pod string
	rates         []rate
}

type rate struct {
	from     time.Time
	versions map[string]float64
}

var t0 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// observed is what a metrics store would tell that hears of the proxies every so often.
func observed(every time.Duration, proxies ...*proxy) Observe {
	return func(_ context.Context, _ string, since []time.Time, now time.Time) (mesh.Traffic, error) {
		out := mesh.Traffic{Newest: now.Add(-every / 2), Every: every, Alive: true}
		for _, p := range proxies {
			c := mesh.Caller{Workload: p.workload, Proxy: p.pod}
			for _, start := range since {
				c.Sent = append(c.Sent, p.sent(start, now))
			}
			out.Callers = append(out.Callers, c)
		}
		return out, nil
	}
}

func (p *proxy) sent(start, now time.Time) map[string]float64 {
	out := map[string]float64{}
	for i, r := range p.rates {
		until := now
		if i+1 < len(p.rates) {
			until = p.rates[i+1].from
		}
		from := start
		if r.from.After(from) {
			from = r.from
		}
		if span := until.Sub(from).Seconds(); span > 0 {
			for version, n := range r.versions {
				out[version] += float64(int(n * span))
			}
		}
	}
	return out
}

func serves(workload, pod string, rates ...rate) *proxy { return &proxy{workload, pod, rates} }

func to(v1, v2 float64) map[string]float64 { return map[string]float64{"v1": v1, "v2": v2} }

func wanted(v1, v2 int32) mesh.Route {
	return mesh.Route{Host: host, Ports: []int32{9080}, Subsets: []string{"v2"}, Weights: map[string]int32{"v1": v1, "v2": v2}}
}

func TestShares(t *testing.T) {
	long, second := t0.Add(-time.Hour), t0.Add(time.Second)
	page := func(rates ...rate) *proxy { return serves("shop/page", "shop/page-1", rates...) }
	old := rate{long, to(100, 0)}
	picked := wanted(100, 0)
	picked.Picked = true
	for name, tt := range map[string]struct {
		route   mesh.Route
		every   time.Duration
		proxies []*proxy
		// served is when the route is first said to be served; 0 for not within 5 min.
		served time.Duration
		// lags are named at the end.
		lags []string
	}{
		"follows at once":              {wanted(90, 10), 0, []*proxy{page(old, rate{second, to(90, 10)})}, 30 * time.Second, nil},
		"follows after a minute":       {wanted(90, 10), 0, []*proxy{page(old, rate{t0.Add(time.Minute), to(90, 10)})}, 85 * time.Second, nil},
		"never follows":                {wanted(90, 10), 0, []*proxy{page(old)}, 0, []string{"shop/page-1"}},
		"is between the steps":         {wanted(50, 50), 0, []*proxy{page(old, rate{second, to(80, 20)})}, 0, []string{"shop/page-1"}},
		"still sends to what went":     {wanted(100, 0), 0, []*proxy{page(rate{long, to(90, 10)}, rate{second, to(99, 1)})}, 0, []string{"shop/page-1"}},
		"goes back":                    {wanted(100, 0), 0, []*proxy{page(rate{long, to(90, 10)}, rate{second, to(100, 0)})}, 31 * time.Second, nil},
		"one of two pods lags":         {wanted(90, 10), 0, []*proxy{page(old, rate{second, to(90, 10)}), serves("shop/page", "shop/page-2", old)}, 0, []string{"shop/page-2"}},
		"the gateway lags":             {wanted(90, 10), 0, []*proxy{serves("istio-system/istio-ingressgateway", "istio-system/gw-1", old), page(old, rate{second, to(90, 10)})}, 0, []string{"istio-system/gw-1"}},
		"pods are not told apart":      {wanted(90, 10), 0, []*proxy{serves("shop/page", "", old)}, 0, []string{"shop/page"}},
		"few requests":                 {wanted(90, 10), 0, []*proxy{page(rate{long, to(.09, .01)})}, ceiling, nil},
		"few requests that contradict": {wanted(100, 0), 0, []*proxy{page(rate{long, to(.1, .1)})}, 0, []string{"shop/page-1"}},
		"nobody calls":                 {wanted(90, 10), 0, nil, ceiling, nil},
		"nobody calls any more":        {wanted(90, 10), 0, []*proxy{page(old, rate{t0.Add(-memory), to(0, 0)})}, ceiling, nil},
		"callers do not know it yet":   {wanted(100, 0), 0, []*proxy{page(old)}, 30 * time.Second, nil},
		"scraped each 20 s":            {wanted(90, 10), 20 * time.Second, []*proxy{page(old, rate{second, to(90, 10)})}, 60 * time.Second, nil},
		"requests are picked":          {picked, 0, []*proxy{page(old, rate{second, to(30, 70)})}, 30 * time.Second, nil},
		"all to the new version":       {wanted(0, 100), 0, []*proxy{page(old, rate{second, to(0, 100)})}, 31 * time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := NewShares(observed(tt.every, tt.proxies...)), t0
			s.now = func() time.Time { return now }
			var served time.Duration
			var proof mesh.Proof
			for ; now.Sub(t0) <= 5*time.Minute && !proof.Served; now = now.Add(time.Second) {
				var err error
				if proof, err = s.Prove(t.Context(), tt.route); err != nil {
					t.Fatal(err)
				}
				if proof.Served {
					served = now.Sub(t0)
				} else if len(proof.Lagging) == 0 && proof.Waits == "" {
					t.Fatalf("at %s: not served, and nothing said", now.Sub(t0))
				}
			}
			if served != tt.served {
				t.Errorf("served after %s, want %s: %+v", served, tt.served, proof)
			}
			if diff := cmp.Diff(tt.lags, proof.Lagging); diff != "" {
				t.Error("lagging:", diff)
			}
			if proof.Method != SharesMethod {
				t.Errorf("method %q", proof.Method)
			}
		})
	}
}

// TestSharesBeginAnew asks about another route in between: what was sent before it does not count.
func TestSharesBeginAnew(t *testing.T) {
	now := t0
	s := NewShares(observed(0, serves("shop/page", "", rate{t0.Add(-time.Hour), to(90, 10)})))
	s.now = func() time.Time { return now }
	ask := func(r mesh.Route, want bool) {
		t.Helper()
		if got, err := s.Prove(t.Context(), r); err != nil || got.Served != want {
			t.Errorf("at %s: %+v, %v", now.Sub(t0), got, err)
		}
	}
	ask(wanted(90, 10), false)
	now = now.Add(floor)
	ask(wanted(90, 10), true)
	named := wanted(90, 10)
	named.Name = "reviews-b"
	ask(named, false)
	now = now.Add(floor - time.Second)
	ask(named, false)
	ask(wanted(90, 10), false)
}

func TestSharesErrors(t *testing.T) {
	caller := mesh.Caller{Workload: "shop/page", Sent: slices.Repeat([]map[string]float64{to(90, 10)}, len(windows)+1)}
	for name, tt := range map[string]struct {
		traffic mesh.Traffic
		err     error
		want    string
	}{
		"the store is down": {mesh.Traffic{}, errors.New("connection refused"), "connection refused"},
		"nothing at all":    {mesh.Traffic{}, nil, "no proxy reports what it sends"},
		"old":               {mesh.Traffic{Alive: true, Newest: t0.Add(-time.Minute), Callers: []mesh.Caller{caller}}, nil, "the newest that callers reported is 1m0s old"},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewShares(func(context.Context, string, []time.Time, time.Time) (mesh.Traffic, error) { return tt.traffic, tt.err })
			s.now = func() time.Time { return t0 }
			if got, err := s.Prove(t.Context(), wanted(90, 10)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v; want an error that says %q", got, err, tt.want)
			}
		})
	}
}

// TestJudgeIsRarelyWrong lets chance share requests, and counts how often a caller that serves another weight is believed,
// and one that serves the right one is not.
func TestJudgeIsRarelyWrong(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	sample := func(n, percent int) map[string]float64 {
		out := map[string]float64{}
		for range n {
			if chance.IntN(whole) < percent {
				out["v2"]++
			} else {
				out["v1"]++
			}
		}
		return out
	}
	const rounds = 2000
	for _, tt := range []struct{ is, want, requests int }{
		{0, 10, 700}, {10, 20, 1500}, {10, 50, 2500}, {50, 100, 1000}, {100, 0, 150}, {1, 0, 2000}, {40, 50, 3000},
	} {
		t.Run(fmt.Sprintf("%d for %d", tt.is, tt.want), func(t *testing.T) {
			believed, doubted, unsure := 0, 0, 0
			for range rounds {
				if judge(wanted(int32(whole-tt.want), int32(tt.want)), sample(tt.requests, tt.is)) == agrees {
					believed++
				}
				switch judge(wanted(int32(whole-tt.want), int32(tt.want)), sample(tt.requests, tt.want)) {
				case differs:
					doubted++
				case open:
					unsure++
				default:
				}
			}
			if believed > rounds/1000 || doubted > rounds/200 || unsure > rounds/5 {
				t.Errorf("of %d: %d believed, %d doubted, %d unsure", rounds, believed, doubted, unsure)
			}
		})
	}
}
