// SPDX-License-Identifier: Apache-2.0

//go:build api

// Package scale measures the controller, as a process of its own, with two thousand applications on a real API server.
package scale

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/test/apiserver"
)

const namespaces = 20

// BenchmarkStart measures, with WEIR_SCALE applications (2000), each of two components and a strategy of its own: how long the
// controller needs for all of them when they are new, and when it is started again; its memory; and how many writes it
// makes while idle for WEIR_SCALE_IDLE (20s).
func BenchmarkStart(b *testing.B) {
	config, stop, err := apiserver.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := stop(); err != nil {
			b.Error(err)
		}
	})
	count, err := strconv.Atoi(cmp.Or(os.Getenv("WEIR_SCALE"), "2000"))
	if err != nil {
		b.Fatal(err)
	}
	idle, err := time.ParseDuration(cmp.Or(os.Getenv("WEIR_SCALE_IDLE"), "20s"))
	if err != nil {
		b.Fatal(err)
	}
	populate(b, config, count)
	runner := newRunner(b, config)
	for b.Loop() {
		first := runner.start(b)
		fresh := first.reconciled(b, count)
		first.stop(b)

		again := runner.start(b)
		restart := again.reconciled(b, count)
		before, seen := again.writes(b), served(b, config)
		time.Sleep(idle) //nolint:forbidigo // what is measured is that nothing happens
		for what, count := range served(b, config) {
			if count > seen[what] {
				b.Logf("while idle: %.0f × %s", count-seen[what], what)
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(fresh.Seconds(), "new-s")
		b.ReportMetric(restart.Seconds(), "restart-s")
		b.ReportMetric(again.memory(b), "MiB")
		b.ReportMetric(again.writes(b)-before, "idle-writes")
		again.stop(b)
	}
}

// populate creates the applications and their strategies.
func populate(b *testing.B, config *rest.Config, count int) {
	b.Helper()
	config = rest.CopyConfig(config)
	config.QPS = -1
	c, err := client.New(config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		b.Fatal(err)
	}
	for n := range namespaces {
		space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("scale-%d", n)}}
		if err := c.Create(b.Context(), space); err != nil {
			b.Fatal(err)
		}
	}
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(8)
	for n := range count {
		group.Go(func() error { return create(ctx, c, n) })
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

func create(ctx context.Context, c client.Client, n int) error {
	at := metav1.ObjectMeta{Namespace: fmt.Sprintf("scale-%d", n%namespaces), Name: fmt.Sprintf("shop-%d", n)}
	strategy := &api.Strategy{ObjectMeta: at, Spec: api.StrategySpec{Steps: []api.Step{{Weight: 10}, {Weight: 50}}}}
	if err := c.Create(ctx, strategy); err != nil {
		return err
	}
	port := []api.Port{{Port: 8080, Protocol: "http"}}
	front, back := fmt.Sprintf("front-%d", n), fmt.Sprintf("back-%d", n)
	app := &api.Application{ObjectMeta: at, Spec: api.ApplicationSpec{Components: []api.Component{
		{Name: front, Image: "registry.example/front:v1", Ports: port, Uses: []string{back}, Strategy: at.Name},
		{Name: back, Image: "registry.example/back:v1", Ports: port, Strategy: at.Name},
	}}}
	return c.Create(ctx, app)
}
