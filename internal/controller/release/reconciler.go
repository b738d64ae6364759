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
	"sigs.k8s.io/controller-runtime/pkg/event"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/mesh"
	engine "weir.dev/weir/internal/release"
)

// Measurer tells what callers saw of a version in a window. An error means that nothing could be learned.
type Measurer interface {
	Measure(ctx context.Context, window mesh.Window) (mesh.Sample, error)
}

// Gates asks webhooks and Jobs; gate.Asker does. It answers at once, with Waiting where an answer has to be waited for.
type Gates interface {
	// Ask returns how each gate stands and when to ask again: 0 is when something happens.
	Ask(ctx context.Context, release *api.Release, asks []engine.Ask) (answers []engine.GateAnswer, again time.Duration)
	// Forget drops what is known of a release that is gone.
	Forget(key client.ObjectKey)
	// Told tells of each release that has a new answer.
	Told() <-chan event.GenericEvent
}

// Reconciler reconciles Releases.
type Reconciler struct {
	Client client.Client
	// Reader reads what is not kept in memory: the Secrets of metrics servers, and what others made.
	Reader   client.Reader
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	Prover   mesh.Prover
	Measurer Measurer
	Gates    Gates

	written kube.Written
}

// Reconcile gathers, lets the engine decide, and persists the decision before anything acts on it.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var release api.Release
	err := r.Client.Get(ctx, req.NamespacedName, &release)
	if apierrors.IsNotFound(err) || release.DeletionTimestamp != nil {
		r.Gates.Forget(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if r.written.Behind(&release, r.Clock.Now()) {
		return ctrl.Result{RequeueAfter: kube.Late}, nil // the event of the write comes before
	}
	answers, again := r.Gates.Ask(ctx, &release, engine.Gates(release.Spec, release.Status))
	if release.Status.Phase.Finished() && len(answers) == 0 {
		return ctrl.Result{RequeueAfter: again}, nil
	}
	seen, now, err := r.gather(ctx, &release)
	if err != nil {
		return ctrl.Result{}, err
	}
	seen.Gates = answers
	decision := engine.Decide(now, release.Spec, release.Status, seen)
	if err := r.persist(ctx, &release, decision); err != nil {
		if apierrors.IsConflict(err) {
			return ctrl.Result{RequeueAfter: 10 * time.Millisecond}, nil
		}
		return ctrl.Result{}, err
	}
	if c, err := r.component(ctx, &release); err == nil && c.External && !decision.Status.Phase.Finished() {
		again = sooner(again, lookAtTheirs) // no event tells of what is somebody else's
	}
	return ctrl.Result{RequeueAfter: sooner(decision.Wake, again)}, nil
}

// lookAtTheirs is how often workloads are looked at that are somebody else's.
const lookAtTheirs = time.Second

// sooner is the earlier of two times to look again, of which 0 is never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
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
	r.written.Remember(changed, r.Clock.Now())
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
