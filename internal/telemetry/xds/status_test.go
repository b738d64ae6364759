// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"encoding/json"
	"os"
	"testing"
)

func TestNonceVersion(t *testing.T) {
	const uuid = "6a1e8f0c-6f6f-4d0e-9d1c-0123456789ab"
	for _, test := range []struct {
		name, nonce string
		want        uint64
		fails       bool
	}{
		{name: "none", nonce: ""},
		{name: "usual", nonce: "2026-11-23T23:55:18Z/11" + uuid, want: 11},
		{name: "with a zone", nonce: "2026-11-23T23:55:18+01:00/1184" + uuid, want: 1184},
		{name: "uuid alone", nonce: uuid, fails: true},
		{name: "no number", nonce: "2026-11-23T23:55:18Z/" + uuid, fails: true},
		{name: "another form", nonce: "17-" + uuid, fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := nonceVersion(test.nonce)
			if got.number != test.want || (err != nil) != test.fails {
				t.Errorf("nonceVersion = %v, %v; want %d, error %t", got, err, test.want, test.fails)
			}
		})
	}
}

// TestSyncz reads what a real istiod 1.31 answered, shortly after a push that concerned the gateway alone.
func TestSyncz(t *testing.T) {
	content, err := os.ReadFile("testdata/syncz.json")
	if err != nil {
		t.Fatal(err)
	}
	var entries []syncz
	if err := json.Unmarshal(content, &entries); err != nil {
		t.Fatal(err)
	}
	entries = append(entries, syncz{Proxy: "tunnel.istio-system", Type: "ztunnel"})
	var names []string
	pushes := map[bool]uint64{true: 108, false: 107}
	for _, entry := range entries {
		s, wanted, err := entry.read("istiod")
		if err != nil {
			t.Fatal(err)
		}
		if !wanted {
			continue
		}
		names = append(names, s.name())
		if !s.clusters.inSync() || !s.endpoints.inSync() || !s.listeners.inSync() || !s.routes.inSync() ||
			s.sent.number != pushes[s.gateway] || s.acked.number != pushes[s.gateway] {
			t.Errorf("%s: %+v, want everything in sync at push %d", s.name(), s, pushes[s.gateway])
		}
	}
	want := []string{
		"istio-ingress/istio-ingressgateway-77745d6758-9rtjj", "shop/page-7bd4697598-7q2bj",
		"shop/reviews-v1-7b85b7594d-zjfrg", "shop/reviews-v2-6b67c54cdf-m9znv",
	}
	if len(names) != len(want) {
		t.Fatalf("proxies %v, want %v", names, want)
	}
	for i := range want {
		if names[i] != want[i] {
			t.Errorf("proxy %s, want %s", names[i], want[i])
		}
	}
}

func TestAtMost(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b version
		want bool
	}{
		{"the same", version{5, 100}, version{5, 100}, true},
		{"earlier", version{5, 100}, version{6, 100}, true},
		{"later", version{6, 101}, version{5, 100}, false},
		{"of the next run", version{3, 200}, version{5, 100}, false},
		{"of the run before", version{5, 100}, version{3, 200}, false},
		{"none", version{}, version{5, 100}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.a.atMost(test.b); got != test.want {
				t.Errorf("%v.atMost(%v) = %t", test.a, test.b, got)
			}
		})
	}
}

func TestAlike(t *testing.T) {
	push := [3]version{{5, 100}, {5, 100}, {6, 101}}
	base := status{istiod: "a", id: "page-7bd4697598-7q2bj.shop", pushes: push}
	for _, test := range []struct {
		name  string
		other status
		want  bool
	}{
		{"same ReplicaSet", status{istiod: "a", id: "page-7bd4697598-xw9dk.shop", pushes: push}, true},
		{"other template", status{istiod: "a", id: "page-7bd4697599-xw9dk.shop", pushes: push}, false},
		{"other namespace", status{istiod: "a", id: "page-7bd4697598-xw9dk.shop2", pushes: push}, false},
		{"other istiod", status{istiod: "b", id: "page-7bd4697598-xw9dk.shop", pushes: push}, false},
		{"other pushes", status{istiod: "a", id: "page-7bd4697598-xw9dk.shop"}, false},
		{"named by a person", status{istiod: "a", id: "page-7bd4697598-hello.shop", pushes: push}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := base.alike() == test.other.alike(); got != test.want {
				t.Errorf("alike = %t", got)
			}
		})
	}
}
