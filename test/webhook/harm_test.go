// SPDX-License-Identifier: Apache-2.0

//go:build api

package webhook_test

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/webhook/certificate"
	"weir.dev/weir/test/harm"
)

// state is what may become of the webhooks. Start returns where the API server is to ask from then on, and how many
// connections were made to there.
type state struct {
	name  string
	start func(t *testing.T) (url string, connections *atomic.Int64)
}

var states = []state{{"dead", dead}, {"hanging", hanging}, {"wrong certificate", wrongCertificate}}

// dead is an address at which nobody listens.
func dead(t *testing.T) (string, *atomic.Int64) {
	return fmt.Sprintf("https://127.0.0.1:%d", freePort(t)), &atomic.Int64{}
}

// hanging takes connections and says nothing: a black hole.
func hanging(t *testing.T) (string, *atomic.Int64) {
	l, connections := listen(t)
	var held []net.Conn
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				for _, conn := range held {
					conn.Close()
				}
				return
			}
			connections.Add(1)
			held = append(held, conn)
		}
	}()
	return "https://" + l.Addr().String(), connections
}

// wrongCertificate answers, but as somebody whom the API server was not told of, and would refuse everything.
func wrongCertificate(t *testing.T) (string, *atomic.Int64) {
	l, connections := listen(t)
	set, _, err := certificate.Policy{Names: []string{"127.0.0.1"}}.Rotate(certificate.Set{}, true, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := set.Serving.TLS()
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler:           http.NotFoundHandler(),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{*stranger}},
		ReadHeaderTimeout: time.Second,
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				connections.Add(1)
			}
		},
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { server.Close() })
	return "https://" + l.Addr().String(), connections
}

func listen(t *testing.T) (net.Listener, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, &atomic.Int64{}
}

// fall lets the webhooks be served once, as they should, ends that, and brings them into the state.
func fall(t *testing.T, into state) *atomic.Int64 {
	t.Helper()
	serve(t, nil).stop()
	url, connections := into.start(t)
	now := live(t)
	for i, h := range now.Webhooks {
		now.Webhooks[i].ClientConfig.URL = new(url + (*h.ClientConfig.URL)[strings.Index(*h.ClientConfig.URL, "/validate"):])
	}
	if err := direct.Update(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	// What only the webhook would refuse passes.
	eventually(t, func() error { return direct.Create(t.Context(), parse(telltale), client.DryRunAll) })
	return connections
}

func TestNobodyElseIsHarmed(t *testing.T) {
	kinds := builtIn(t)
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			connections := fall(t, s)
			connections.Store(0)
			round := harm.Round{Name: strings.ReplaceAll(s.name, " ", "-"), Namespaces: []string{"kube-system", system, shop, "default"}}
			done, err := round.Walk(t.Context(), direct)
			if err != nil {
				t.Error(err)
			}
			for _, kind := range done {
				delete(kinds, kind)
			}
			if n := connections.Load(); n > 0 {
				t.Errorf("the webhooks were asked %d times about others' objects", n)
			}
			t.Logf("%d kinds", len(done))
			if len(done) < 60 {
				t.Errorf("only %d kinds, want 60", len(done))
			}
		})
	}
	if len(kinds) > 0 {
		t.Errorf("kinds that were not tried: %v", slices.Collect(maps.Keys(kinds)))
	}
}

// builtIn are the kinds that the API server brings along and that can be created.
func builtIn(t *testing.T) map[schema.GroupKind]bool {
	t.Helper()
	lists, err := discovery.NewDiscoveryClientForConfigOrDie(config).ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	out := map[schema.GroupKind]bool{}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			ours := version.Group == api.GroupVersion.Group || strings.HasSuffix(version.Group, "istio.io")
			if !ours && slices.Contains(r.Verbs, "create") && r.Name != "bindings" {
				out[schema.GroupKind{Group: version.Group, Kind: r.Kind}] = true
			}
		}
	}
	return out
}

// TestWhatIsVitalPassesBy writes what must never wait for us, of our own kinds.
func TestWhatIsVitalPassesBy(t *testing.T) {
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			connections := fall(t, s)
			key := client.ObjectKey{Namespace: shop, Name: "vital"}
			app := parse(`{apiVersion: weir.dev/v1alpha1, kind: Application, metadata: {name: vital, namespace: shop, finalizers: [test.example/held]},
				spec: {components: [{name: vital, image: 'b:v1'}]}}`)
			begun := time.Now()
			if err := direct.Create(t.Context(), app); err != nil {
				t.Fatalf("a good application: %v", err)
			}
			// A black hole costs its time-out, and the machine may be busy.
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it took %s to write an application", took)
			}
			connections.Store(0)
			release := parse(`{apiVersion: weir.dev/v1alpha1, kind: Release, metadata: {name: vital-v2, namespace: shop},
				spec: {application: vital, component: vital, from: v1, to: v2, strategy: {steps: [{weight: 10}]}}}`)
			if err := direct.Create(t.Context(), release); err != nil {
				t.Fatal(err)
			}
			merge := func(o client.Object, patch string) {
				t.Helper()
				if err := direct.Patch(t.Context(), o, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
					t.Errorf("%s: %v", patch, err)
				}
			}
			merge(release, `{"spec":{"paused":true}}`)
			merge(release, `{"spec":{"abort":true}}`)
			merge(app, `{"metadata":{"labels":{"a":"b"}}}`)
			if err := direct.Status().Patch(t.Context(), app, client.RawPatch(types.MergePatchType, []byte(`{"status":{"ready":"0/1"}}`))); err != nil {
				t.Errorf("status: %v", err)
			}
			if err := direct.Delete(t.Context(), app); err != nil {
				t.Errorf("delete: %v", err)
			}
			merge(app, `{"metadata":{"finalizers":[]}}`)
			if err := direct.Get(t.Context(), key, app); !apierrors.IsNotFound(err) {
				t.Errorf("the application is still there: %v", err)
			}
			if err := direct.Delete(t.Context(), release); err != nil {
				t.Error(err)
			}
			if n := connections.Load(); n > 0 {
				t.Errorf("the webhooks were asked %d times about what is vital", n)
			}
		})
	}
}
