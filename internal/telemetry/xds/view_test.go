// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"weir.dev/weir/internal/mesh"
)

const reviews = "reviews.shop.svc.cluster.local"

// recorded reads a view out of what a real istiod 1.31 answered for the proxy of page and for an ingress gateway, where
// reviews had 70 % v1 and 30 % v2 over HTTP (9080) and TCP (9090), and one user was led to v2. The answers are cut down
// to the service concerned, and to the fields of interest.
func recorded(t *testing.T, name string) view {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var d dump
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	v, err := d.view()
	if err != nil {
		t.Fatal(err)
	}
	v.gateway = name == "gateway"
	return v
}

func route(change func(*mesh.Route)) mesh.Route {
	r := mesh.Route{
		Host: reviews, Namespace: "shop", Ports: []int32{9080, 9090}, Subsets: []string{"v1", "v2"},
		Weights: map[string]int32{"v1": 70, "v2": 30},
	}
	if change != nil {
		change(&r)
	}
	return r
}

// naming gives every route the name.
func naming(name string) func(*view) {
	return func(v *view) {
		for i := range v.hosts {
			for j := range v.hosts[i].routes {
				v.hosts[i].routes[j].name = name
			}
		}
	}
}

// copying sends copies of every route's requests to the cluster.
func copying(cluster string) func(*view) {
	return func(v *view) {
		for i := range v.hosts {
			for j := range v.hosts[i].routes {
				v.hosts[i].routes[j].mirrors = []string{cluster}
			}
		}
	}
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name    string
		proxy   string
		change  func(*mesh.Route)
		view    func(*view)
		want    verdict
		missing string
	}{
		{name: "sidecar", proxy: "sidecar", want: verdict{http: true, tcp: true}},
		{name: "gateway", proxy: "gateway", want: verdict{http: true}},
		{name: "HTTP port alone", proxy: "sidecar", change: func(r *mesh.Route) { r.Ports = r.Ports[:1] }, want: verdict{http: true}},
		{name: "TCP port alone", proxy: "sidecar", change: func(r *mesh.Route) { r.Ports = r.Ports[1:] }, want: verdict{tcp: true}},
		{name: "not a caller of the port", proxy: "sidecar", change: func(r *mesh.Route) { r.Ports = []int32{8080} }},
		{name: "not a caller of the host", proxy: "sidecar", change: func(r *mesh.Route) { r.Host = "a" + reviews }},
		{
			name: "other weights", proxy: "sidecar", want: verdict{http: true, tcp: true}, missing: "has 70 of 100",
			change: func(r *mesh.Route) { r.Weights = map[string]int32{"v1": 71, "v2": 30} },
		}, {
			name: "weights of another sum", proxy: "sidecar", want: verdict{http: true, tcp: true},
			change: func(r *mesh.Route) { r.Weights = map[string]int32{"v1": 7, "v2": 3} },
		}, {
			name: "one version wanted", proxy: "gateway", want: verdict{http: true}, missing: "of 100",
			change: func(r *mesh.Route) { r.Weights = map[string]int32{"v1": 100} },
		}, {
			name: "third version wanted", proxy: "gateway", want: verdict{http: true}, missing: "of 100",
			change: func(r *mesh.Route) { r.Weights["v3"] = 30 },
		}, {
			name: "subset not sent yet", proxy: "sidecar", want: verdict{http: true, tcp: true}, missing: "|v3|" + reviews + " is missing",
			change: func(r *mesh.Route) { r.Subsets = []string{"v1", "v2", "v3"} },
		}, {
			name: "subset not sent to a gateway yet", proxy: "gateway", want: verdict{http: true}, missing: "is missing",
			change: func(r *mesh.Route) { r.Subsets = []string{"v1", "v2", "v3"} },
		}, {
			name: "subset that this gateway is sent with its first weight", proxy: "gateway", want: verdict{http: true},
			change: func(r *mesh.Route) { r.Subsets = []string{"v1", "v2", "v3"} },
			view:   func(v *view) { delete(v.clusters, "outbound|9080||"+reviews) },
		}, {
			name: "a rule still leads to a subset that is to go", proxy: "sidecar", want: verdict{http: true, tcp: true}, missing: "leads to subset v2",
			change: func(r *mesh.Route) {
				r.Subsets, r.Weights = []string{"v1"}, map[string]int32{"v1": 100}
			},
		}, {
			name: "a weighted subset that may be down", proxy: "sidecar", want: verdict{http: true, tcp: true},
			change: func(r *mesh.Route) { r.Subsets = []string{"v1"} },
			view: func(v *view) {
				v.endpoints["outbound|9080|v2|"+reviews], v.endpoints["outbound|9090|v2|"+reviews] = 0, 0
			},
		}, {
			name: "a weighted subset that may be down, not sent yet", proxy: "sidecar", want: verdict{http: true, tcp: true}, missing: "is missing",
			change: func(r *mesh.Route) { r.Subsets = []string{"v1"} },
			view:   func(v *view) { delete(v.clusters, "outbound|9080|v2|"+reviews) },
		}, {
			name: "no endpoints", proxy: "sidecar", want: verdict{http: true, tcp: true}, missing: "no endpoints",
			view: func(v *view) { delete(v.endpoints, "outbound|9080|v2|"+reviews) },
		}, {
			name: "cluster without endpoints of its own", proxy: "sidecar", want: verdict{http: true, tcp: true},
			view: func(v *view) {
				delete(v.endpoints, "outbound|9080|v2|"+reviews)
				v.clusters["outbound|9080|v2|"+reviews] = false
			},
		}, {
			name: "somebody else's route to all versions", proxy: "gateway", want: verdict{http: true},
			view: func(v *view) {
				v.hosts = append(v.hosts, virtualHost{domains: []string{"else"}, routes: []httpRoute{{shares: shares{"outbound|9080||" + reviews: 100}}}})
			},
		}, {
			name: "the host's own route to all versions", proxy: "sidecar", want: verdict{http: true, tcp: true}, missing: `subset "" has 100 of 100`,
			view: func(v *view) {
				v.hosts = append(v.hosts, virtualHost{domains: []string{reviews}, routes: []httpRoute{{shares: shares{"outbound|9080||" + reviews: 100}}}})
			},
		}, {
			name: "a share for another host", proxy: "gateway", want: verdict{http: true}, missing: "has 70 of 110",
			view: func(v *view) {
				v.hosts = []virtualHost{{routes: []httpRoute{{shares: shares{
					"outbound|9080|v1|" + reviews: 70, "outbound|9080|v2|" + reviews: 30, "outbound|9080||other": 10,
				}}}}}
			},
		}, {
			name: "a version that answers at another port of the gateway", proxy: "gateway", want: verdict{http: true},
			view: func(v *view) {
				v.hosts = []virtualHost{{routes: []httpRoute{{shares: shares{
					"outbound|9080|v1|" + reviews: 70, "outbound|8080|v2|" + reviews: 30,
				}}}}}
			},
		}, {
			name: "routes of another name", proxy: "gateway", want: verdict{http: true}, missing: `called "reviews-b" instead of reviews-a`,
			change: func(r *mesh.Route) { r.Name = "reviews-a" }, view: naming("reviews-b"),
		}, {
			name: "routes of a name that begins alike", proxy: "gateway", want: verdict{http: true}, missing: "instead of reviews-a",
			change: func(r *mesh.Route) { r.Name = "reviews-a" }, view: naming("reviews-ab"),
		}, {
			name: "routes of the name", proxy: "gateway", want: verdict{http: true},
			change: func(r *mesh.Route) { r.Name = "reviews-a" }, view: naming("reviews-a"),
		}, {
			name: "routes of the name, at one path", proxy: "gateway", want: verdict{http: true},
			change: func(r *mesh.Route) { r.Name = "reviews-a" }, view: naming("reviews-a./path"),
		}, {
			name: "only an earlier route has the name", proxy: "sidecar", want: verdict{http: true, tcp: true}, missing: "instead of reviews-a",
			change: func(r *mesh.Route) { r.Name = "reviews-a" },
			view: func(v *view) {
				naming("reviews-b")(v)
				for i := range v.hosts {
					v.hosts[i].routes[0].name = "reviews-a"
				}
			},
		}, {
			name: "copies to a subset", proxy: "gateway", want: verdict{http: true},
			view: copying("outbound|9080|v2|" + reviews),
		}, {
			name: "copies to a subset that is to go", proxy: "gateway", want: verdict{http: true}, missing: "leads to subset v2",
			change: func(r *mesh.Route) { r.Subsets, r.Weights = []string{"v1"}, map[string]int32{"v1": 100} },
			view: func(v *view) {
				v.hosts = []virtualHost{{routes: []httpRoute{{
					shares: shares{"outbound|9080|v1|" + reviews: 100}, mirrors: []string{"outbound|9080|v2|" + reviews},
				}}}}
			},
		}, {
			name: "copies to a cluster not sent yet", proxy: "gateway", want: verdict{http: true}, missing: "which copies go to, is missing",
			view: copying("outbound|9081|v2|" + reviews),
		}, {
			name: "copies to another host", proxy: "gateway", want: verdict{http: true}, view: copying("outbound|80||elsewhere"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := recorded(t, test.proxy)
			if test.view != nil {
				test.view(&v)
			}
			got := v.judge(route(test.change))
			if (got.missing == "") != (test.missing == "") || !strings.Contains(got.missing, test.missing) {
				t.Errorf("missing = %q, want %q", got.missing, test.missing)
			}
			got.missing = ""
			if got != test.want {
				t.Errorf("verdict = %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestDumpVersion(t *testing.T) {
	if got := recorded(t, "sidecar").version; got.number != 108 {
		t.Errorf("version = %v, want 108", got)
	}
	var none dump
	if _, err := none.view(); err == nil {
		t.Error("no error for a dump without a version")
	}
}
