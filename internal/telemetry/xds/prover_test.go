// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir.dev/weir/internal/mesh"
)

// fakeProxy is one connection, as istiod knows it. What the proxy really has is what was sent and acked.
type fakeProxy struct {
	id string
	// assigned is the push that a dump is made of, and weights what it makes of the route; nil for no route.
	assigned int
	weights  map[string]int
	// name of the route that all requests fall to.
	name string
	// sent and acked are the pushes of the last clusters, endpoints, listeners and routes.
	sent, acked int
	// again is how often the same push was sent once more.
	again int
	// routesLag is by how many pushes the routes that were accepted are behind everything else.
	routesLag int
	// gateway is true for one that lets requests in from outside, by a host of its own.
	gateway bool
}

// fakeIstiod answers as istiod's debug interface does.
type fakeIstiod struct {
	*httptest.Server
	mu                      sync.Mutex
	proxies                 []*fakeProxy
	statuses, dumps, pushes int
	refuse                  int
	// renewals counts how often what is kept was thrown away; renewing is called just before.
	renewals int
	renewing func()
	// run counts istiod's restarts.
	run int
	// behind is how long before its first push, as its name tells, istiod answers.
	behind time.Duration
	// begun is how many pushes have begun; 0 when it does not tell.
	begun int
}

func startIstiod(t *testing.T, proxies ...*fakeProxy) *fakeIstiod {
	f := &fakeIstiod{proxies: proxies, behind: time.Minute, renewing: func() {}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeIstiod) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != 0 || r.Header.Get("Authorization") != "Bearer secret" {
		w.WriteHeader(max(f.refuse, http.StatusUnauthorized))
		return
	}
	var answer any
	w.Header().Set("Date", firstPush.Add(-f.behind).Format(http.TimeFormat))
	switch r.URL.Path {
	case "/debug/syncz":
		f.statuses++
		answer = f.syncz()
	case "/debug/config_dump":
		f.dumps++
		id := r.URL.Query().Get("proxyID")
		at := slices.IndexFunc(f.proxies, func(p *fakeProxy) bool { return strings.Contains(p.connection(), id) })
		if at < 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		answer = f.proxies[at].dump(f)
	case "/debug/connections":
		var clients []any
		for _, p := range f.proxies {
			clients = append(clients, map[string]string{"connectionId": p.connection()})
		}
		answer = map[string]any{"clients": clients}
	case "/metrics":
		f.metrics(w)
		return
	case "/debug/cachez":
		f.renewing()
		f.renewals++
	case "/debug/adsz":
		f.pushes++
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (f *fakeIstiod) metrics(w http.ResponseWriter) {
	fmt.Fprintln(w, "# TYPE pilot_pushcontext_init_seconds histogram")
	if f.begun > 0 {
		fmt.Fprintf(w, "pilot_pushcontext_init_seconds_sum 0.07\npilot_pushcontext_init_seconds_count %d\n", f.begun)
	}
}

func (f *fakeIstiod) syncz() []syncz {
	entries := []syncz{}
	for _, p := range f.proxies {
		sent, acked, routes := f.nonce(p.sent, p.again), f.nonce(p.acked, p.again), f.nonce(p.acked-p.routesLag, p.again)
		kind := map[bool]string{false: "sidecar", true: "router"}[p.gateway]
		entries = append(entries, syncz{p.id, kind, sent, acked, sent, acked, sent, routes, sent, acked})
	}
	return entries
}

func (f *fakeIstiod) nonce(push, again int) string {
	if push <= 0 {
		return ""
	}
	return fmt.Sprintf("%s6a1e8f0c-6f6f-4d0e-%04d-%012d", f.push(push), again, push)
}

// firstPush is when all pushes of istiod's first run began, as their names say.
var firstPush = time.Date(2026, 11, 23, 23, 10, 18, 0, time.UTC)

// push is the name of a push.
func (f *fakeIstiod) push(number int) string {
	return fmt.Sprintf("2026-11-23T23:%d:18Z/%d", 10+f.run, number)
}

func (p *fakeProxy) connection() string { return p.id + "-" + strconv.Itoa(len(p.id)) }

func (p *fakeProxy) dump(f *fakeIstiod) any {
	type object = map[string]any
	var clusters, endpoints, weighted []any
	if p.weights != nil {
		for _, subset := range []string{"v1", "v2"} {
			name := "outbound|9080|" + subset + "|" + reviews
			clusters = append(clusters, object{"cluster": object{"name": name, "type": "EDS"}})
			endpoints = append(endpoints, object{"endpointConfig": object{
				"clusterName": name, "endpoints": []any{object{"lbEndpoints": []any{object{"healthStatus": "HEALTHY"}}}},
			}})
			weighted = append(weighted, object{"name": name, "weight": p.weights[subset]})
		}
	}
	route := object{"name": p.name, "route": object{"weightedClusters": object{"clusters": weighted}}}
	host := object{"domains": []string{map[bool]string{false: reviews, true: "shop.example:80"}[p.gateway]}, "routes": []any{route}}
	return object{"configs": []any{
		object{"versionInfo": f.push(p.assigned), "dynamicActiveClusters": clusters},
		object{"dynamicEndpointConfigs": endpoints},
		object{"dynamicRouteConfigs": []any{object{"routeConfig": object{"virtualHosts": []any{host}}}}},
	}}
}

// fakePods are the pods that run, as pod.namespace.
type fakePods struct{ running []string }

func (f *fakePods) Running(context.Context) ([]string, error) { return f.running, nil }

func (f *fakePods) Runs(_ context.Context, namespace, pod string) (bool, error) {
	return slices.Contains(f.running, pod+"."+namespace), nil
}

// clock is a time that only tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time {
	c.at = c.at.Add(time.Millisecond)
	return c.at
}

func newProver(t *testing.T, istiods ...*fakeIstiod) (*Prover, *clock) {
	t.Helper()
	var bases []string
	for _, i := range istiods {
		bases = append(bases, i.URL)
	}
	p := New(
		func(context.Context) ([]string, error) { return bases, nil },
		func(context.Context) (string, error) { return "secret", nil },
		&fakePods{},
	)
	c := &clock{time.Unix(1000, 0)}
	p.now = c.now
	return p, c
}

func share(v1, v2 int) map[string]int { return map[string]int{"v1": v1, "v2": v2} }

func wanted(v1, v2 int32) mesh.Route {
	return mesh.Route{
		Host: reviews, Namespace: "shop", Ports: []int32{9080}, Subsets: []string{"v1", "v2"},
		Weights: map[string]int32{"v1": v1, "v2": v2},
	}
}

// expect proves the route once: it is served, or these lag.
func expect(t *testing.T, p *Prover, r mesh.Route, proxies int, lagging ...string) {
	t.Helper()
	got, err := p.Prove(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := mesh.Proof{Served: len(lagging) == 0, Method: Method, Proxies: proxies, Lagging: lagging}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("proof (-want +got):\n%s", diff)
	}
}

func TestProveFollowsAPush(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	istiod := startIstiod(t, page)
	p, _ := newProver(t, istiod)
	expect(t, p, wanted(100, 0), 1)

	expect(t, p, wanted(90, 10), 1, "shop/page")
	page.assigned, page.weights = 6, share(90, 10)
	expect(t, p, wanted(90, 10), 1, "shop/page") // assigned, but not sent
	page.sent = 6
	expect(t, p, wanted(90, 10), 1, "shop/page") // sent, but not accepted
	page.acked, page.routesLag = 6, 1
	expect(t, p, wanted(90, 10), 1, "shop/page") // clusters are accepted, but not the routes
	page.routesLag = 0
	expect(t, p, wanted(90, 10), 1)
}

// TestProveAssigned sees a push only after it was assigned, and before anything of it is sent: everything that was sent
// is accepted, and the dump shows the route.
func TestProveAssigned(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 6, sent: 5, acked: 5, weights: share(90, 10)}
	istiod := startIstiod(t, page)
	p, clock := newProver(t, istiod)
	expect(t, p, wanted(90, 10), 1, "shop/page")
	clock.at = clock.at.Add(relook)
	expect(t, p, wanted(90, 10), 1, "shop/page")
	page.sent = 6
	expect(t, p, wanted(90, 10), 1, "shop/page")
	page.acked = 6
	expect(t, p, wanted(90, 10), 1)
	if istiod.pushes != 0 {
		t.Errorf("%d pushes were caused", istiod.pushes)
	}
}

// TestProveLaterPush has another push assigned before anybody looked, one that needs nothing to be sent.
func TestProveLaterPush(t *testing.T) {
	for _, test := range []struct {
		name   string
		then   func(*fakeProxy, *clock)
		pushes int
	}{
		{"a later one yet shows that it is complete", func(p *fakeProxy, c *clock) {
			p.assigned = 8
			c.at = c.at.Add(relook)
		}, 0},
		{"endpoints of a later one are accepted", func(p *fakeProxy, _ *clock) { p.sent, p.acked = 8, 8 }, 0},
		{"one is caused", func(_ *fakeProxy, c *clock) { c.at = c.at.Add(patience) }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			page := &fakeProxy{id: "page.shop", assigned: 7, sent: 6, acked: 6, weights: share(90, 10)}
			istiod := startIstiod(t, page)
			p, clock := newProver(t, istiod)
			expect(t, p, wanted(90, 10), 1, "shop/page")
			test.then(page, clock)
			if test.pushes > 0 {
				expect(t, p, wanted(90, 10), 1, "shop/page")
				page.sent, page.acked = 7, 7
			}
			if test.name == "endpoints of a later one are accepted" {
				page.assigned = 8
			}
			expect(t, p, wanted(90, 10), 1)
			if istiod.pushes != test.pushes {
				t.Errorf("%d pushes were caused, want %d", istiod.pushes, test.pushes)
			}
		})
	}
}

// TestProveLaterPushTwice has that happen at two changes in a row: the second is not told late because of the first.
func TestProveLaterPushTwice(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	istiod := startIstiod(t, page)
	p, clock := newProver(t, istiod)
	expect(t, p, wanted(100, 0), 1)
	for change := 1; change <= 2; change++ {
		clock.at = clock.at.Add(time.Second)
		route := wanted(int32(100-change), int32(change))
		expect(t, p, route, 1, "shop/page")
		*page = fakeProxy{id: page.id, sent: page.assigned + 1, acked: page.assigned + 1, assigned: page.assigned + 2, weights: share(100-change, change)}
		expect(t, p, route, 1, "shop/page")
		clock.at = clock.at.Add(patience)
		expect(t, p, route, 1, "shop/page")
		if istiod.pushes != change {
			t.Fatalf("change %d: %d pushes were caused", change, istiod.pushes)
		}
		page.sent, page.acked = page.assigned, page.assigned
		expect(t, p, route, 1)
	}
}

// TestProveThereAndBack changes the weights and changes them back before the first change has been sent.
func TestProveThereAndBack(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	p, _ := newProver(t, startIstiod(t, page))
	expect(t, p, wanted(100, 0), 1)
	expect(t, p, wanted(90, 10), 1, "shop/page")
	expect(t, p, wanted(100, 0), 1, "shop/page") // it has these weights, but the others are on their way
	*page = fakeProxy{id: page.id, assigned: 6, sent: 6, acked: 6, weights: share(90, 10)}
	expect(t, p, wanted(100, 0), 1, "shop/page")
	*page = fakeProxy{id: page.id, assigned: 7, sent: 7, acked: 7, weights: share(100, 0)}
	expect(t, p, wanted(100, 0), 1)
}

// TestProveSentAgain has what was sent before the change made anew and sent once more while the change is waited for: a
// dump would tell nothing, and may spoil what the change's own push is about to make.
func TestProveSentAgain(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	istiod := startIstiod(t, page)
	p, clock := newProver(t, istiod)
	expect(t, p, wanted(100, 0), 1)
	before := istiod.dumps
	expect(t, p, wanted(90, 10), 1, "shop/page")
	page.again = 1
	expect(t, p, wanted(90, 10), 1, "shop/page")
	if istiod.dumps != before {
		t.Errorf("%d dumps of what was sent before", istiod.dumps-before)
	}
	// Had the change been in that push, unseen, it would be found in the end.
	page.weights = share(90, 10)
	clock.at = clock.at.Add(longPatience)
	expect(t, p, wanted(90, 10), 1)
}

// TestProveRenamed changes what the routes match and changes it back, while the weights stay the same.
func TestProveRenamed(t *testing.T) {
	named := func(name string) mesh.Route {
		r := wanted(90, 10)
		r.Name = name
		return r
	}
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(90, 10), name: "reviews-a"}
	p, _ := newProver(t, startIstiod(t, page))
	expect(t, p, named("reviews-a"), 1)
	expect(t, p, named("reviews-b"), 1, "shop/page")
	expect(t, p, named("reviews-a"), 1, "shop/page") // it has this name, but the other is on its way
	*page = fakeProxy{id: page.id, assigned: 6, sent: 6, acked: 6, weights: share(90, 10), name: "reviews-b"}
	expect(t, p, named("reviews-a"), 1, "shop/page")
	*page = fakeProxy{id: page.id, assigned: 7, sent: 7, acked: 7, weights: share(90, 10), name: "reviews-a.9080"}
	expect(t, p, named("reviews-a"), 1)
}

func TestProveCallers(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	ratings := &fakeProxy{id: "ratings.shop", assigned: 5, sent: 5, acked: 5}
	other := &fakeProxy{id: "page.other", assigned: 9, sent: 9, acked: 8, weights: share(100, 0)}
	first, second := startIstiod(t, page, ratings), startIstiod(t, other)
	p, _ := newProver(t, first, second)
	expect(t, p, wanted(100, 0), 2, "other/page")
	other.acked = 9
	expect(t, p, wanted(100, 0), 2)

	before := first.dumps + second.dumps
	statuses := first.statuses
	expect(t, p, wanted(100, 0), 2)
	if after := first.dumps + second.dumps; after != before || first.statuses != statuses+1 {
		t.Errorf("a steady call cost %d dumps and %d statuses, want 0 and 1", after-before, first.statuses-statuses)
	}

	ratings.weights, ratings.assigned, ratings.sent = share(100, 0), 6, 6
	expect(t, p, wanted(100, 0), 3, "shop/ratings") // becomes a caller
}

// TestProveGateway has a gateway, at an istiod of its own, that is behind the sidecars.
func TestProveGateway(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 6, sent: 6, acked: 6, weights: share(90, 10)}
	gateway := &fakeProxy{id: "gateway.istio-system", gateway: true, assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	p, _ := newProver(t, startIstiod(t, page), startIstiod(t, gateway))
	expect(t, p, wanted(90, 10), 2, "istio-system/gateway")
	gateway.assigned, gateway.sent, gateway.weights = 6, 6, share(90, 10)
	expect(t, p, wanted(90, 10), 2, "istio-system/gateway") // sent, but not accepted
	gateway.acked = 6
	expect(t, p, wanted(90, 10), 2)
}

// TestProveElsewhere has a proxy change from one istiod to the other while it lags: the old connection is no longer waited
// for, and the new one counts for what it says.
func TestProveElsewhere(t *testing.T) {
	page := func(push int, weights map[string]int) *fakeProxy {
		return &fakeProxy{id: "page.shop", assigned: push, sent: push, acked: push, weights: weights}
	}
	first, second := startIstiod(t, page(5, share(100, 0))), startIstiod(t)
	p, _ := newProver(t, first, second)
	expect(t, p, wanted(90, 10), 1, "shop/page")
	first.proxies, second.proxies = nil, []*fakeProxy{page(3, share(100, 0))}
	expect(t, p, wanted(90, 10), 1, "shop/page")
	second.proxies = []*fakeProxy{page(4, share(90, 10))}
	expect(t, p, wanted(90, 10), 1)
}

// TestProveReplicas has many pods of one ReplicaSet: one dump tells of all of them, and a sign that a push is complete
// for one of those that were sent the same, too.
func TestProveReplicas(t *testing.T) {
	var pods []*fakeProxy
	for _, end := range []string{"7q2bj", "xw9dk", "zzz22"} {
		pods = append(pods, &fakeProxy{id: "page-7bd4697598-" + end + ".shop", assigned: 6, sent: 6, acked: 6, weights: share(90, 10)})
	}
	istiod := startIstiod(t, pods...)
	p, _ := newProver(t, istiod)
	pods[2].acked = 5
	expect(t, p, wanted(90, 10), 3, "shop/page-7bd4697598-zzz22")
	pods[2].acked = 6
	expect(t, p, wanted(90, 10), 3)
	if istiod.dumps != 1 {
		t.Errorf("%d dumps for one ReplicaSet, want 1", istiod.dumps)
	}
	for _, pod := range pods {
		pod.assigned, pod.sent, pod.weights = 7, 7, share(50, 50)
	}
	pods[0].acked = 7
	expect(t, p, wanted(50, 50), 3, "shop/page-7bd4697598-xw9dk", "shop/page-7bd4697598-zzz22")
	pods[1].acked, pods[2].acked = 7, 7
	pods[1].assigned = 8
	expect(t, p, wanted(50, 50), 3)
	if istiod.dumps != 2 {
		t.Errorf("%d dumps for two pushes to one ReplicaSet, want 2", istiod.dumps)
	}
}

// TestProveStaggered has the pods of one ReplicaSet sent a push one after the other: the dump of the first tells of all.
func TestProveStaggered(t *testing.T) {
	var pods []*fakeProxy
	for _, end := range []string{"7q2bj", "xw9dk"} {
		pods = append(pods, &fakeProxy{id: "page-7bd4697598-" + end + ".shop", assigned: 6, sent: 6, acked: 6, weights: share(90, 10)})
	}
	istiod := startIstiod(t, pods...)
	p, clock := newProver(t, istiod)
	expect(t, p, wanted(90, 10), 2)
	*pods[0] = fakeProxy{id: pods[0].id, assigned: 7, sent: 7, acked: 7, weights: share(50, 50)}
	expect(t, p, wanted(50, 50), 2, "shop/page-7bd4697598-xw9dk")
	*pods[1] = fakeProxy{id: pods[1].id, assigned: 7, sent: 7, acked: 6, weights: share(50, 50)}
	expect(t, p, wanted(50, 50), 2, "shop/page-7bd4697598-xw9dk") // sent, but not accepted
	pods[1].acked = 7
	expect(t, p, wanted(50, 50), 2)
	if istiod.dumps != 2 {
		t.Errorf("%d dumps for two pushes to one ReplicaSet, want 2", istiod.dumps)
	}
	// What was found before the cache is renewed tells nothing of what is sent after it.
	p.caches.of(istiod.URL).renew(clock.now())
	*pods[1] = fakeProxy{id: pods[1].id, assigned: 7, sent: 7, acked: 7, weights: share(90, 10)}
	p.hosts[reviews].entries[connection{istiod.URL, pods[1].id}].proven = false
	p.hosts[reviews].entries[connection{istiod.URL, pods[1].id}].judged = false
	expect(t, p, wanted(50, 50), 2, "shop/page-7bd4697598-xw9dk")
}

// TestProveRestart has istiod begin anew at the same address, with lower numbers.
func TestProveRestart(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 50, sent: 50, acked: 50, weights: share(90, 10)}
	istiod := startIstiod(t, page)
	p, _ := newProver(t, istiod)
	expect(t, p, wanted(90, 10), 1)
	istiod.run++
	*page = fakeProxy{id: page.id, assigned: 3, sent: 3, acked: 3, weights: share(100, 0)}
	expect(t, p, wanted(90, 10), 1, "shop/page")
	*page = fakeProxy{id: page.id, assigned: 4, sent: 4, acked: 4, weights: share(90, 10)}
	expect(t, p, wanted(90, 10), 1)
}

func TestProveConnections(t *testing.T) {
	page := func(push int) *fakeProxy {
		return &fakeProxy{id: "page.shop", assigned: push, sent: push, acked: push, weights: share(100, 0)}
	}
	t.Run("two to one istiod", func(t *testing.T) {
		istiod := startIstiod(t, page(5), page(5))
		p, _ := newProver(t, istiod)
		expect(t, p, wanted(100, 0), 1, "shop/page")
		istiod.proxies = istiod.proxies[:1]
		expect(t, p, wanted(100, 0), 1)
	})
	t.Run("one to each of two istiods", func(t *testing.T) {
		old := page(5)
		old.acked = 4
		p, _ := newProver(t, startIstiod(t, old), startIstiod(t, page(5)))
		expect(t, p, wanted(100, 0), 1, "shop/page")
	})
	t.Run("alike names", func(t *testing.T) {
		longer := &fakeProxy{id: "my-page.shop", assigned: 5, sent: 5, acked: 5}
		p, _ := newProver(t, startIstiod(t, longer, page(5)))
		expect(t, p, wanted(100, 0), 1)
	})
	t.Run("starting", func(t *testing.T) {
		starting := &fakeProxy{id: "page.shop", assigned: 5, sent: 5}
		p, clock := newProver(t, startIstiod(t, starting))
		expect(t, p, wanted(100, 0), 0, "shop/page")
		clock.at = clock.at.Add(start)
		expect(t, p, wanted(100, 0), 0)
	})
}

// TestProveAbsent has proxies that run and lost their connection: they still serve what they had.
func TestProveAbsent(t *testing.T) {
	newPage := func(acked int) *fakeProxy {
		return &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: acked, weights: share(100, 0)}
	}
	lose := func(t *testing.T, page *fakeProxy, lagging ...string) (*Prover, *fakePods, *clock, *fakeIstiod) {
		istiod, pods := startIstiod(t, page), &fakePods{[]string{"page.shop"}}
		p, clock := newProver(t, istiod)
		p.roster.pods = pods
		expect(t, p, wanted(100, 0), len(page.weights)/2, lagging...)
		istiod.proxies = nil
		clock.at = clock.at.Add(time.Hour)
		return p, pods, clock, istiod
	}
	t.Run("one that lags is waited for until its pod is gone", func(t *testing.T) {
		p, pods, clock, _ := lose(t, newPage(4), "shop/page")
		expect(t, p, wanted(100, 0), 1, "shop/page")
		pods.running = nil
		clock.at = clock.at.Add(checked)
		expect(t, p, wanted(100, 0), 0)
	})
	t.Run("one that served does not hear of the next change", func(t *testing.T) {
		p, _, _, istiod := lose(t, newPage(5))
		expect(t, p, wanted(100, 0), 1)
		expect(t, p, wanted(90, 10), 1, "shop/page")
		istiod.run++
		istiod.proxies = []*fakeProxy{{id: "page.shop", assigned: 1, sent: 1, acked: 1, weights: share(90, 10)}}
		expect(t, p, wanted(90, 10), 1)
	})
	t.Run("one that is no caller is not waited for", func(t *testing.T) {
		p, _, _, _ := lose(t, &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5})
		expect(t, p, wanted(90, 10), 0)
	})
	t.Run("a prover that has seen none yet waits for those that run", func(t *testing.T) {
		istiod := startIstiod(t)
		p, clock := newProver(t, istiod)
		p.roster.pods = &fakePods{[]string{"page.shop"}}
		expect(t, p, wanted(100, 0), 1, "shop/page")
		istiod.proxies = []*fakeProxy{newPage(5)}
		expect(t, p, wanted(100, 0), 1)
		istiod.proxies = nil
		clock.at = clock.at.Add(foreign)
		expect(t, p, wanted(90, 10), 1, "shop/page")
	})
	t.Run("but not for long, since they may be connected elsewhere", func(t *testing.T) {
		p, clock := newProver(t, startIstiod(t))
		p.roster.pods = &fakePods{[]string{"page.shop"}}
		expect(t, p, wanted(100, 0), 1, "shop/page")
		clock.at = clock.at.Add(foreign)
		expect(t, p, wanted(100, 0), 0)
	})
}

func TestProveErrors(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	t.Run("token refused", func(t *testing.T) {
		istiod := startIstiod(t, page)
		istiod.refuse = http.StatusForbidden
		p, _ := newProver(t, istiod)
		if _, err := p.Prove(t.Context(), wanted(100, 0)); err == nil || !strings.Contains(err.Error(), audience) {
			t.Errorf("error = %v, want one that names the audience", err)
		}
	})
	t.Run("one of two is down", func(t *testing.T) {
		gone := startIstiod(t)
		gone.Close()
		p, _ := newProver(t, gone, startIstiod(t, page))
		expect(t, p, wanted(100, 0), 1)
	})
	t.Run("one of two is broken", func(t *testing.T) {
		broken := startIstiod(t)
		broken.refuse = http.StatusInternalServerError
		p, _ := newProver(t, broken, startIstiod(t, page))
		if _, err := p.Prove(t.Context(), wanted(100, 0)); err == nil {
			t.Error("no error")
		}
	})
	t.Run("all are down", func(t *testing.T) {
		gone := startIstiod(t)
		gone.Close()
		p, _ := newProver(t, gone)
		if _, err := p.Prove(t.Context(), wanted(100, 0)); err == nil {
			t.Error("no error")
		}
	})
	t.Run("none is there", func(t *testing.T) {
		p, _ := newProver(t)
		if _, err := p.Prove(t.Context(), wanted(100, 0)); err == nil {
			t.Error("no error")
		}
	})
}
