// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/departure"
	"weir.dev/weir/internal/plan/takeover"
)

// hold keeps the Application, when it is deleted, until all it made went in order. One that is new gets what was left when
// another of its name was deleted.
func (r *Reconciler) hold(ctx context.Context, app *api.Application) error {
	if controllerutil.ContainsFinalizer(app, api.FinalizerDeparture) {
		return nil
	}
	others := []client.ObjectList{&appsv1.ControllerRevisionList{}, &api.ReleaseList{}}
	for _, kind := range []config.Kind{config.ConfigMap, config.Secret} { // copies of contents
		others = append(others, &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: string(kind) + "List"}})
	}
	if err := (kube.Applier{Client: r.Client, Reader: r.Reader}).Reclaim(ctx, app, others...); err != nil {
		return err
	}
	return r.patchFinalizers(ctx, app, controllerutil.AddFinalizer)
}

func (r *Reconciler) patchFinalizers(ctx context.Context, app *api.Application, change func(client.Object, string) bool) error {
	before := app.DeepCopy()
	change(app, api.FinalizerDeparture)
	err := r.Client.Patch(ctx, app, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write finalizers of application %s: %w", app.Name, err)
	}
	return nil
}

// depart takes one step of the deletion.
func (r *Reconciler) depart(ctx context.Context, app *api.Application) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(app, api.FinalizerDeparture) {
		return ctrl.Result{}, nil
	}
	if slices.Contains(app.Finalizers, metav1.FinalizerOrphanDependents) {
		// Who deletes it wants to keep what it made.
		return ctrl.Result{}, r.patchFinalizers(ctx, app, controllerutil.RemoveFinalizer)
	}
	if back, records, err := r.giveBack(ctx, app); err != nil || !back.Done {
		return ctrl.Result{RequeueAfter: back.Again}, errors.Join(err, r.reportReturn(ctx, app, back, records))
	}
	seen, err := r.remains(ctx, app)
	if err != nil {
		return ctrl.Result{}, err
	}
	step := departure.Next(time.Now(), seen)
	if step.Done && lends(app) {
		if err := r.takeBack(ctx, app, nil); err != nil {
			return ctrl.Result{}, err
		}
	}
	if step.Done {
		return ctrl.Result{}, r.patchFinalizers(ctx, app, controllerutil.RemoveFinalizer)
	}
	for _, obj := range step.Take {
		if obj.GetDeletionTimestamp() != nil {
			continue
		}
		err := r.Client.Delete(ctx, obj, client.PropagationPolicy(metav1.DeletePropagationBackground),
			client.Preconditions{UID: new(obj.GetUID())})
		if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
			return ctrl.Result{}, fmt.Errorf("delete %s: %w", kube.Describe(obj), err)
		}
	}
	return ctrl.Result{RequeueAfter: step.Again}, r.reportDeparture(ctx, app, step)
}

// remains is what there still is of the application.
func (r *Reconciler) remains(ctx context.Context, app *api.Application) (departure.Seen, error) {
	seen := departure.Seen{Application: app}
	if closed := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionClosed); closed != nil {
		seen.Closed = closed.LastTransitionTime.Time
	}
	made, err := kube.Applier{Client: r.Client, Reader: r.Reader}.Owned(ctx, app, &appsv1.ControllerRevisionList{}, &api.ReleaseList{})
	if err != nil {
		return seen, err
	}
	for _, obj := range made {
		seen.Objects = append(seen.Objects, plan.Object(obj))
	}
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, client.InNamespace(app.Namespace), client.MatchingLabels{api.LabelApplication: app.Name}); err != nil {
		return seen, fmt.Errorf("list pods of application %s: %w", app.Name, err)
	}
	seen.Pods = pods.Items
	return seen, nil
}

// reportReturn tells how far giving back has come.
func (r *Reconciler) reportReturn(ctx context.Context, app *api.Application, back takeover.Return, records []api.TakenRecord) error {
	changed := app.DeepCopy()
	if records != nil {
		changed.Status.Taken = records
	}
	return r.say(ctx, app, changed, back.Message)
}

// say writes what is being done, and the rest of the changed status.
func (r *Reconciler) say(ctx context.Context, app, changed *api.Application, message string) error {
	if message != "" {
		apimeta.SetStatusCondition(&changed.Status.Conditions, metav1.Condition{
			Type: api.ConditionReady, Status: metav1.ConditionFalse, Reason: "Deleting", Message: "it is being deleted: " + message,
			ObservedGeneration: app.Generation,
		})
	}
	if equality.Semantic.DeepEqual(app.Status, changed.Status) {
		return nil
	}
	err := r.Client.Status().Patch(ctx, changed, client.MergeFromWithOptions(app, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}

func (r *Reconciler) reportDeparture(ctx context.Context, app *api.Application, step departure.Step) error {
	changed := app.DeepCopy()
	if step.Closed {
		apimeta.SetStatusCondition(&changed.Status.Conditions, metav1.Condition{
			Type: api.ConditionClosed, Status: metav1.ConditionTrue, Reason: "Deleting", Message: step.Message, ObservedGeneration: app.Generation,
		})
	}
	return r.say(ctx, app, changed, step.Message)
}
