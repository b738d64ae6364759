// SPDX-License-Identifier: Apache-2.0

// Package application brings the cluster to what an Application and its releases want, and reports how it is.
package application

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/revision"
)

// Reconciler reconciles Applications. It is the only writer of everything that is generated from them.
type Reconciler struct {
	Client client.Client
	// Reader reads past the cache.
	Reader   client.Reader
	Recorder events.EventRecorder
	// Prover is asked when a component becomes ready; nil asks nobody.
	Prover mesh.Prover
	// Contents tells what ConfigMaps and Secrets hold.
	Contents *kube.Contents
	// Gateway selects the pods of the ingress gateway. Default: istio=ingressgateway.
	Gateway map[string]string
	// Templates is the namespace of the Strategies that are meant where a namespace has none of the name; empty when there
	// is none.
	Templates string
	// Gateways finds the ingress gateway.
	Gateways *kube.Gateways
	// Mesh are the hosts that every proxy is sent besides those it calls. Default: istio-system/*.
	Mesh []string

	// admitted is what admission webhooks add to what is generated.
	admitted *sync.Map
	compared *kube.Compared
	written  *kube.Written
}

// Reconcile does one pass and reports it in the status, whatever came of it.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var app api.Application
	if err := r.Client.Get(ctx, req.NamespacedName, &app); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if app.DeletionTimestamp != nil {
		return r.depart(ctx, &app)
	}
	if err := r.hold(ctx, &app); err != nil {
		return ctrl.Result{}, err
	}
	wants, s, err := r.reconcile(ctx, &app)
	if transient(err) {
		return ctrl.Result{}, err
	}
	wake := r.reach(ctx, &s, wants)
	if len(s.certificates) > 0 && (wake == 0 || wake > renewed) {
		wake = renewed
	}
	r.warn(&s, wants)
	if reportErr := r.report(ctx, s, wants, err); reportErr != nil {
		return ctrl.Result{}, errors.Join(err, reportErr)
	}
	if lack := (lackError{}); errors.As(err, &lack) {
		return ctrl.Result{RequeueAfter: lackAgain}, nil
	}
	if err != nil && !waits(err) {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: soonest(soonest(wake, s.taking.step.Again), s.lookAgain(wants))}, nil
}

// soonest is the shorter of two waits; nought is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// transient errors say that the cache is behind or somebody else wrote at the same time; they are not worth a word.
func transient(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || errors.As(err, new(*kube.ChangedError))
}

func (r *Reconciler) reconcile(ctx context.Context, app *api.Application) ([]want, snapshot, error) {
	if err := plan.Accept(app); err != nil {
		return nil, snapshot{app: app}, fmt.Errorf("nothing was changed: %w", err)
	}
	s, err := r.gather(ctx, app)
	if err == nil {
		err = errors.Join(r.readConflicts(ctx, &s), r.readExternal(ctx, &s))
	}
	if err != nil {
		return nil, snapshot{app: app}, err
	}
	for _, learn := range []func(context.Context, *snapshot) error{r.readNeighbors, r.readRivals, r.certify} {
		if err := learn(ctx, &s); err != nil {
			return nil, snapshot{app: app}, err
		}
	}
	var wants []want
	for _, c := range app.Spec.Components {
		w := decide(s, c)
		if err := r.freeze(ctx, s, w); err != nil {
			return wants, s, err
		}
		if err := r.keepUses(ctx, s, w); err != nil {
			return wants, s, err
		}
		w.uses, w.used = called(s, w)
		wants = append(wants, w)
	}
	objects, err := r.plan(s, wants)
	if err != nil {
		return wants, s, err
	}
	if err := r.takeOver(ctx, &s, wants, objects); err != nil {
		return wants, s, err
	}
	if err := r.carryOut(ctx, s, wants, objects); err != nil {
		return wants, s, err
	}
	if err := r.clear(ctx, s.app, wants, s.taking); err != nil {
		return wants, s, err
	}
	if lends(app) {
		if err := r.takeBack(ctx, app, s.certificates); err != nil {
			return wants, s, err
		}
	}
	if err := r.raise(ctx, s, wants); err != nil {
		return wants, s, err
	}
	err = errors.Join(r.begin(ctx, s, wants), r.forget(ctx, s, wants))
	if missing := missing(wants); missing != nil {
		err = errors.Join(err, awaited{missing})
	}
	return wants, s, err
}

// freeze keeps the content of the desired version before anything is made of it.
func (r *Reconciler) freeze(ctx context.Context, s snapshot, w want) error {
	name := w.component.Name
	if w.missing != nil {
		return nil //nolint:nilerr // it is told, and waited for
	}
	if err := r.keepCopies(ctx, s, w); err != nil {
		return err
	}
	if _, kept := s.revisions[name][w.desired]; kept {
		return nil
	}
	frozen := revision.Freeze(w.resolved)
	data, err := json.Marshal(frozen)
	if err != nil {
		return fmt.Errorf("encode component %s: %w", name, err)
	}
	kept := &appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: data}, Revision: s.newest(name) + 1}
	kept.Namespace, kept.Name = s.app.Namespace, revision.Name(name, w.desired)
	kept.Labels, kept.Annotations = labels(s.app, name, w.desired), annotationsOf(w.component.Uses, nil)
	if err := controllerutil.SetControllerReference(s.app, kept, r.Client.Scheme()); err != nil {
		return err
	}
	if err := r.Client.Create(ctx, kept); err != nil {
		return fmt.Errorf("keep version %s of component %s: %w", w.desired, name, err)
	}
	if s.revisions[name] == nil {
		s.revisions[name] = map[string]api.Component{}
	}
	s.revisions[name][w.desired] = frozen
	s.learn(name, w.desired, w.component.Uses, nil)
	return nil
}

// plan returns all that the application is made of, after the whole was checked.
func (r *Reconciler) plan(s snapshot, wants []want) ([]plan.Object, error) {
	in, err := r.input(s, wants)
	if err != nil {
		return nil, err
	}
	objects, err := plan.Objects(in)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if err := plan.Check(objects); err != nil {
		return nil, fmt.Errorf("nothing was written, since the result would be wrong: %w", err)
	}
	return objects, nil
}
