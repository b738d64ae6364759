// SPDX-License-Identifier: Apache-2.0

// Package release lets the engine decide over each Release and writes down what it decided. It writes nothing else.
package release

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	engine "weir.dev/weir/internal/release"
)

// Prover tells how far the callers' proxies have come with a route. It may be called often while a change is under way;
// an error means that nothing could be learned.
type Prover interface {
	Prove(ctx context.Context, route mesh.Route) (mesh.Proof, error)
}

// Measurer tells what callers saw of a version in a window. An error means that nothing could be learned.
type Measurer interface {
	Measure(ctx context.Context, window mesh.Window) (mesh.Sample, error)
}

// Reconciler reconciles Releases.
type Reconciler struct {
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	Prover   Prover
	Measurer Measurer
}

// Reconcile gathers, lets the engine decide, and persists the decision before anything acts on it.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var release api.Release
	if err := r.Client.Get(ctx, req.NamespacedName, &release); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if release.DeletionTimestamp != nil || release.Status.Phase.Finished() {
		return ctrl.Result{}, nil
	}
	seen, now, err := r.gather(ctx, &release)
	if err != nil {
		return ctrl.Result{}, err
	}
	decision := engine.Decide(now, release.Spec, release.Status, seen)
	if err := r.persist(ctx, &release, decision); err != nil {
		if apierrors.IsConflict(err) {
			return ctrl.Result{RequeueAfter: 10 * time.Millisecond}, nil
		}
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: decision.Wake}, nil
}

func (r *Reconciler) persist(ctx context.Context, release *api.Release, decision engine.Decision) error {
	if equality.Semantic.DeepEqual(release.Status, decision.Status) {
		return nil
	}
	changed := release.DeepCopy()
	changed.Status = decision.Status
	patch := client.MergeFromWithOptions(release, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, changed, patch); err != nil {
		return fmt.Errorf("write status of release %s: %w", release.Name, err)
	}
	if release.Status.Phase != decision.Status.Phase {
		logf.FromContext(ctx).Info("release moves", "phase", decision.Status.Phase, "rule", decision.Rule, "message", decision.Status.Message)
		r.announce(changed)
	}
	return nil
}

func (r *Reconciler) announce(release *api.Release) {
	kind := corev1.EventTypeNormal
	if release.Status.Reason != "" {
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(release, nil, kind, string(release.Status.Phase), "Release", "%s", release.Status.Message)
}
