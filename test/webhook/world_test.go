// SPDX-License-Identifier: Apache-2.0

//go:build api

// Package webhook_test holds Weir's webhooks, and the policies that stand in for them, against a real API server: what they
// refuse, and that they hurt nobody.
package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"weir.dev/weir/internal/controller"
	"weir.dev/weir/internal/install"
	"weir.dev/weir/internal/webhook"
	"weir.dev/weir/test/world"
)

const (
	// system is the namespace of Weir, shop one of a user.
	system, shop = "weir-system", "shop"
	// patience is for a machine on which everything else runs, too. Policies are in force after half a minute.
	patience = 100 * time.Second
)

var (
	config *rest.Config
	direct client.WithWatch
)

func TestMain(m *testing.M) {
	out := io.Discard
	if os.Getenv("WEIR_TEST_LOG") != "" {
		out = os.Stderr
	}
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(out, nil)))
	os.Exit(world.Run(m, prepare))
}

func prepare(ctx context.Context, started *rest.Config, c client.WithWatch) error {
	config, direct = started, c
	return furnish(ctx)
}

// furnish makes the namespaces, applies the policies of the chart, and makes what a user has.
func furnish(ctx context.Context) error {
	for _, name := range []string{system, shop, "other"} {
		if err := direct.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return err
		}
	}
	stream, err := install.Render(install.Options{})
	if err != nil {
		return err
	}
	for document := range strings.SplitSeq(stream, "\n---\n") {
		if !strings.Contains(document, "\nkind: ValidatingAdmissionPolicy") {
			continue
		}
		if err := direct.Create(ctx, parse(document)); err != nil {
			return err
		}
	}
	for _, text := range furniture {
		if err := direct.Create(ctx, parse(text)); err != nil {
			return fmt.Errorf("%w in\n%s", err, text)
		}
	}
	return nil
}

// furniture is what the user of the namespace shop has.
var furniture = []string{
	`{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: by-weight, namespace: shop}, spec: {steps: [{weight: 10}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: by-steps, namespace: shop}, spec: {steps: [{weight: 10}, {weight: 50}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: by-mirror, namespace: shop}, spec: {type: Mirror}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: by-safe-mirror, namespace: shop}, spec: {type: Mirror, steps: [{mirror: {}}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: by-method, namespace: shop}, spec: {type: ABTest, steps: [{match: [{method: GET}]}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: by-source, namespace: shop}, spec: {type: ABTest, steps: [{match: [{source: page}]}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: of-db, namespace: shop}, spec: {steps: [{weight: 10}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: of-rates, namespace: shop}, spec: {steps: [{weight: 10}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Application, metadata: {name: market, namespace: shop}, spec: {components: [
	{name: market-page, image: "page:v1", ports: [{port: 80}], expose: {hosts: [market.example], paths: [/, /cart]}},
	{name: market-db, image: "db:v1", ports: [{port: 3306}], strategy: of-db},
	{name: market-rates, image: "rates:v1", ports: [{port: 50051, protocol: grpc}], strategy: of-rates},
	{name: market-batch, image: "batch:v1", mesh: false}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Application, metadata: {name: bank, namespace: other}, spec: {components: [
	{name: front, image: "front:v1", ports: [{port: 80}], expose: {hosts: [bank.example]}}]}}`,
	`{apiVersion: weir.dev/v1alpha1, kind: Release, metadata: {name: market-page-v2, namespace: shop}, spec: {application: market,
	component: market-page, from: v1, to: v2, strategy: {steps: [{weight: 10}]}}}`,
}

// parse reads an object; it panics when a test was written wrong.
func parse(text string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		panic(fmt.Sprintf("%v in\n%s", err, text))
	}
	return o
}

// eventually waits until check is content, and fails with its last words otherwise.
func eventually(t testing.TB, check func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		t.Fatal(last)
	}
}

// served is a process of Weir that answers the API server.
type served struct {
	url   string
	calls atomic.Int64
	stop  func()
}

// serve starts Weir's controllers and webhooks, as the image does, and waits until the API server asks them.
func serve(t testing.TB, change func(*webhook.Options)) *served {
	t.Helper()
	s := &served{}
	options := webhook.Options{Namespace: system, Host: "127.0.0.1", Port: freePort(t), Called: func(string) { s.calls.Add(1) }}
	s.url = fmt.Sprintf("https://127.0.0.1:%d", options.Port)
	options.URL = s.url
	if change != nil {
		change(&options)
	}
	ctx, cancel := context.WithCancel(t.Context())
	callers := world.NewCallers(direct)
	manager, err := controller.NewManager(ctx, config, controller.Options{
		MetricsAddress: "0", HealthAddress: "0", SharedProcess: true, Prover: callers, Measurer: callers,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.Add(manager, config, options); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(s.stop)
	eventually(t, func() error {
		if err := direct.Create(t.Context(), parse(telltale), client.DryRunAll); err == nil || !strings.Contains(err.Error(), "admission webhook") {
			return fmt.Errorf("nobody is asked: %w", errors.Join(err, errors.New("accepted")))
		}
		return nil
	})
	return s
}

// telltale is refused by the webhook alone.
const telltale = `{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {generateName: test-, namespace: shop}, spec: {windows: [{zone: Mars/Olympus}]}}`

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// live is the configuration as it is.
func live(t testing.TB) *admissionregistration.ValidatingWebhookConfiguration {
	t.Helper()
	var found admissionregistration.ValidatingWebhookConfiguration
	eventually(t, func() error {
		return direct.Get(t.Context(), client.ObjectKey{Name: webhook.ConfigurationName}, &found)
	})
	return &found
}
