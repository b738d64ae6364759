// SPDX-License-Identifier: Apache-2.0

// Package injection finds pods that came up without their sidecar, says so, and has them restarted with care.
package injection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
)

// Reconciler looks after the sidecars of Applications.
type Reconciler struct {
	Client client.Client
	// Reader reads past the cache.
	Reader   client.Reader
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
}

// Reconcile decides and does the next step of every component that has pods without their sidecar.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var app api.Application
	if err := r.Client.Get(ctx, req.NamespacedName, &app); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if app.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	status := app.Status.DeepCopy()
	var words []string
	var again time.Duration
	var failed error
	for _, c := range app.Spec.Components {
		d, err := r.component(ctx, &app, c, status)
		failed = errors.Join(failed, err)
		if d.Message != "" {
			words = append(words, d.Message)
		}
		if d.Again > 0 && (again == 0 || d.Again < again) {
			again = d.Again
		}
	}
	err := r.report(ctx, &app, status, words)
	if err != nil && apierrors.IsConflict(err) && failed == nil {
		return ctrl.Result{RequeueAfter: time.Second}, nil // somebody else wrote; what was done is seen by the pods
	}
	return ctrl.Result{RequeueAfter: again}, errors.Join(failed, err)
}

// component looks after one component, and keeps account in the status of what it does.
func (r *Reconciler) component(ctx context.Context, app *api.Application, c api.Component,
	status *api.ApplicationStatus) (injection.Decision, error) {
	if !c.Meshed() || c.External {
		return injection.Decision{}, nil
	}
	seen, err := r.gather(ctx, app, c)
	if err != nil {
		return injection.Decision{}, err
	}
	d := injection.Decide(r.Clock.Now(), seen)
	if d.Action == injection.Try {
		seen.Tried = true
		if seen.Trial, err = r.try(ctx, app.Namespace, d.Pod); err != nil {
			return d, err
		}
		d = injection.Decide(r.Clock.Now(), seen)
	}
	if d.Action != injection.Evict && d.Action != injection.Restart {
		return d, nil
	}
	pod := seen.Pods[slices.IndexFunc(seen.Pods, func(p corev1.Pod) bool { return p.Name == d.Pod })]
	done, why, err := r.act(ctx, d, &pod)
	if err != nil {
		return d, err
	}
	if !done {
		d.Message = fmt.Sprintf("%s: pod %s came up without a sidecar, and may not be restarted now: %s", c.Name, pod.Name, why)
		return d, nil
	}
	r.Recorder.Eventf(app, &pod, corev1.EventTypeNormal, "SidecarMissing", string(d.Action), "%s", d.Message)
	keep(status, injection.After(r.Clock.Now(), seen))
	return d, nil
}

func keep(status *api.ApplicationStatus, repair api.InjectionRepair) {
	at := slices.IndexFunc(status.Injection, func(i api.InjectionRepair) bool { return i.Component == repair.Component })
	if at < 0 {
		status.Injection = append(status.Injection, repair)
		return
	}
	status.Injection[at] = repair
}

// report writes the condition. It is there once pods were without a sidecar.
func (r *Reconciler) report(ctx context.Context, app *api.Application, status *api.ApplicationStatus, words []string) error {
	before := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionInjected)
	condition := metav1.Condition{
		Type: api.ConditionInjected, Status: metav1.ConditionTrue, Reason: "Injected", Message: "every pod in the mesh has its sidecar",
		ObservedGeneration: app.Generation,
	}
	if len(words) > 0 {
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, "SidecarMissing", strings.Join(words, "; ")
	}
	if len(words) > 0 || before != nil {
		apimeta.SetStatusCondition(&status.Conditions, condition)
	}
	if len(words) == 0 {
		status.Injection = nil
	}
	if equality.Semantic.DeepEqual(&app.Status, status) {
		return nil
	}
	if len(words) > 0 && (before == nil || before.Status == metav1.ConditionTrue) {
		r.Recorder.Eventf(app, nil, corev1.EventTypeWarning, "SidecarMissing", "Inspect", "%s", condition.Message)
	}
	changed := app.DeepCopy()
	changed.Status = *status
	err := r.Client.Status().Patch(ctx, changed, client.MergeFromWithOptions(app, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}
