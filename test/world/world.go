// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/controller"
	"weir.dev/weir/internal/kube"
)

// World is one namespace of an API server and its callers.
type World struct {
	Config    *rest.Config
	Client    client.WithWatch
	Namespace string
	Callers   *Callers
}

// NewClient returns a client that waits for nothing but the API server.
func NewClient(cfg *rest.Config) (client.WithWatch, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	return client.NewWithWatch(cfg, client.Options{Scheme: kube.Scheme()})
}

// New makes a namespace.
func New(ctx context.Context, cfg *rest.Config, c client.WithWatch) (*World, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := c.Create(ctx, namespace); err != nil {
		return nil, err
	}
	return &World{Config: cfg, Client: c, Namespace: namespace.Name, Callers: NewCallers(c)}, nil
}

// Start runs Weir's controllers for the namespace, with caches of their own. The configuration may wrap the connection.
// Stop ends them; it may be called more than once.
func (w *World) Start(ctx context.Context, cfg *rest.Config) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	manager, err := controller.NewManager(ctx, cfg, controller.Options{
		MetricsAddress: "0", HealthAddress: "0", SharedProcess: true, Namespaces: []string{w.Namespace},
		Prover: w.Callers, Measurer: w.Callers,
	})
	if err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = manager.Start(ctx) // it was stopped hard; what it says about that is of no interest
	}()
	return func() { cancel(); <-ended }, nil
}

// Shop creates an application of two components, whose reviews are released by the strategy named trial.
func (w *World) Shop(ctx context.Context, strategy api.StrategySpec) error {
	trial := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "trial"}, Spec: strategy}
	if err := w.Client.Create(ctx, trial); err != nil {
		return err
	}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "shop"}}
	app.Spec.Components = []api.Component{
		{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Uses: []string{"reviews"}, Expose: &api.Expose{}},
		{Name: "reviews", Image: "reviews:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Strategy: "trial"},
	}
	return w.Client.Create(ctx, app)
}

// Ready waits until the application is, or something was refused.
func (w *World) Ready(ctx context.Context) error {
	return w.Eventually(ctx, func() error {
		var app api.Application
		if err := w.Client.Get(ctx, w.Key("shop"), &app); err != nil {
			return err
		}
		if app.Status.ObservedGeneration != app.Generation || !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionReady) {
			return fmt.Errorf("the application is not ready: %+v", app.Status.Conditions)
		}
		return nil
	})
}

// Set changes the image of reviews.
func (w *World) Set(ctx context.Context, image string) error {
	return w.Change(ctx, func(s *api.ApplicationSpec) { s.Components[1].Image = image })
}

// Change edits the application.
func (w *World) Change(ctx context.Context, edit func(*api.ApplicationSpec)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var app api.Application
		if err := w.Client.Get(ctx, w.Key("shop"), &app); err != nil {
			return err
		}
		edit(&app.Spec)
		return w.Client.Update(ctx, &app)
	})
}

// Command changes the commands of a release.
func (w *World) Command(ctx context.Context, name string, change func(*api.ReleaseSpec)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var release api.Release
		if err := w.Client.Get(ctx, w.Key(name), &release); err != nil {
			return err
		}
		change(&release.Spec)
		return w.Client.Update(ctx, &release)
	})
}

// Phase waits until the release is in the phase.
func (w *World) Phase(ctx context.Context, name string, want api.ReleasePhase) error {
	return w.Eventually(ctx, func() error {
		var release api.Release
		err := w.Client.Get(ctx, w.Key(name), &release)
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("%w yet; %s", err, w.releases(ctx))
		}
		if err != nil {
			return err
		}
		if release.Status.Phase != want {
			return fmt.Errorf("release %s is %s (%s), not %s", name, release.Status.Phase, release.Status.Message, want)
		}
		return nil
	})
}

// releases tells how those that there are stand: one that is to come waits for them.
func (w *World) releases(ctx context.Context) string {
	var list api.ReleaseList
	if err := w.Client.List(ctx, &list, client.InNamespace(w.Namespace)); err != nil {
		return err.Error()
	}
	var out []string
	for _, r := range list.Items {
		out = append(out, fmt.Sprintf("%s is %s (%s)", r.Name, r.Status.Phase, r.Status.Message))
	}
	return strings.Join(out, ", ")
}

// Patience is how long nothing may change before it counts as stuck, and longest how long it may take in all. Both are for
// a machine on which everything else runs, too.
const (
	Patience = 60 * time.Second
	longest  = 5 * Patience
)

// Eventually waits until check is content. When it says the same for the time of Patience, that is returned.
func (w *World) Eventually(ctx context.Context, check func() error) error {
	var last error
	since := time.Now()
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, longest, true, func(context.Context) (bool, error) {
		now := check()
		if now != nil && (last == nil || now.Error() != last.Error()) {
			since = time.Now()
		}
		if last = now; last != nil && time.Since(since) > Patience {
			return false, fmt.Errorf("nothing has changed for %s", Patience)
		}
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(last, err)
	}
	return nil
}

// Key of an object in the world's namespace.
func (w *World) Key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: w.Namespace, Name: name}
}
