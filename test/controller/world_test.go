// SPDX-License-Identifier: Apache-2.0

//go:build api

// Package controller_test runs the controllers against a real API server. There is no node, so the tests say which pods
// exist and are ready, and what callers serve and saw.
package controller_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/controller"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan/routing"
	"weir.dev/weir/test/apiserver"
	pretend "weir.dev/weir/test/world"
)

// templates is the namespace of the strategies that every namespace may name.
const templates = "default"

var (
	shared *rest.Config
	node   *pretend.Node
	writes atomic.Int64 // requests of the controllers that change something
)

func TestMain(m *testing.M) {
	out := io.Discard
	if os.Getenv("WEIR_TEST_LOG") != "" {
		out = os.Stderr
	}
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config, stop, err := apiserver.Start(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	shared = config
	if node, err = pretend.NewNode(ctx, config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	watched := rest.CopyConfig(config)
	watched.Wrap(func(next http.RoundTripper) http.RoundTripper { return counter{next} })
	manager, err := controller.NewManager(ctx, watched, controller.Options{
		MetricsAddress: "0", HealthAddress: "0", Prover: callers, Measurer: callers, Templates: templates,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	code := m.Run()
	cancel()
	if err := <-ended; err != nil {
		fmt.Fprintln(os.Stderr, "manager:", err)
		return 1
	}
	return code
}

// counter counts the requests that change something.
type counter struct{ next http.RoundTripper }

func (c counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		writes.Add(1)
	}
	return c.next.RoundTrip(r)
}

// scripted are callers that serve and saw what a test says. By default they serve at once and saw only good answers.
type scripted struct {
	mu      sync.Mutex
	held    map[string]func(mesh.Route) bool
	silent  map[string]bool
	samples map[string]mesh.Sample
	asked   map[string]mesh.Window
}

var callers = &scripted{
	held: map[string]func(mesh.Route) bool{}, silent: map[string]bool{}, samples: map[string]mesh.Sample{}, asked: map[string]mesh.Window{},
}

func (s *scripted) hold(namespace string, on bool) {
	s.holdIf(namespace, func(mesh.Route) bool { return on })
}

// holdIf lets callers be late with some routes.
func (s *scripted) holdIf(namespace string, late func(mesh.Route) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[namespace] = late
}

// silence lets nobody tell what callers of the namespace serve.
func (s *scripted) silence(namespace string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent[namespace] = on
}

func (s *scripted) saw(namespace string, sample mesh.Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples[namespace] = sample
}

// sawOf is what callers saw of one component; it goes before what they saw of the whole namespace.
func (s *scripted) sawOf(namespace, component string, sample mesh.Sample) {
	s.saw(routing.Host(namespace, component), sample)
}

// window that they were asked for last in a namespace.
func (s *scripted) window(namespace string) mesh.Window {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[namespace]
}

func (s *scripted) Prove(_ context.Context, route mesh.Route) (mesh.Proof, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent[route.Namespace] {
		return mesh.Proof{}, errors.New("istiod does not answer")
	}
	if late := s.held[route.Namespace]; late != nil && late(route) {
		return mesh.Proof{Method: "scripted", Proxies: 1, Lagging: []string{"caller"}}, nil
	}
	return mesh.Proof{Served: true, Method: "scripted", Proxies: 1}, nil
}

func (s *scripted) Measure(_ context.Context, w mesh.Window) (mesh.Sample, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[w.Namespace] = w
	for _, key := range []string{w.Host, w.Namespace} {
		if sample, ok := s.samples[key]; ok {
			return sample, nil
		}
	}
	return mesh.Sample{Requests: 1000}, nil
}

// world is one namespace, whose pods the pretended node runs.
type world struct {
	testing.TB
	ctx       context.Context
	client    client.Client
	namespace string
}

// newWorld makes a namespace whose pods become ready at once, if ready says so; nil means always.
func newWorld(t testing.TB, ready func(version string) bool) *world {
	t.Helper()
	c, err := client.New(shared, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, ctx: t.Context(), client: c, namespace: namespace.Name}
	node.Script(namespace.Name, ready)
	return w
}

// patience is for a machine on which everything else runs, too.
const patience = 60 * time.Second

// eventually waits until check is content and fails with its last words otherwise.
func (w *world) eventually(what string, check func() error) {
	w.Helper()
	var last error
	err := wait.PollUntilContextTimeout(w.ctx, 5*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		w.Fatalf("%s: %v", what, last)
	}
}

func (w *world) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: w.namespace, Name: name}
}

// weights are what the VirtualService of a component gives to each subset.
func (w *world) weights(component string) (map[string]int32, error) {
	var vs istionet.VirtualService
	if err := w.client.Get(w.ctx, w.key(component), &vs); err != nil {
		return nil, err
	}
	out := map[string]int32{}
	for _, to := range vs.Spec.GetHttp()[0].GetRoute() {
		out[to.GetDestination().GetSubset()] = to.GetWeight()
		if len(vs.Spec.GetHttp()[0].GetRoute()) == 1 {
			out[to.GetDestination().GetSubset()] = 100
		}
	}
	return out, nil
}

func (w *world) release(name string) (api.Release, error) {
	var release api.Release
	return release, w.client.Get(w.ctx, w.key(name), &release)
}
