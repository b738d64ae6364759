// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

// placeField indexes Applications by the hosts and ports at the gateway that they answer, or are to.
const placeField = "spec.components.expose"

// placesOf are the hosts and ports that the Application answers, or is to.
func placesOf(obj client.Object) []string {
	app, ok := obj.(*api.Application)
	if !ok {
		return nil
	}
	return plan.Places(slices.Concat(plan.AllClaims(app), app.Status.Exposed))
}

// readRivals learns which other Applications answer at hosts and ports of this one, and refuses what they had first.
func (r *Reconciler) readRivals(ctx context.Context, s *snapshot) error {
	rivals, err := r.at(ctx, plan.Places(plan.AllClaims(s.app)))
	if err != nil {
		return err
	}
	s.rivals = rivals
	if err := errors.Join(plan.Collisions(s.app, rivals)...); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	return nil
}

// at are the Applications at the places.
func (r *Reconciler) at(ctx context.Context, places []string) ([]api.Application, error) {
	var out []api.Application
	for _, place := range places {
		var apps api.ApplicationList
		if err := r.Client.List(ctx, &apps, client.MatchingFields{placeField: place}); err != nil {
			return nil, fmt.Errorf("list applications that answer %s: %w", place, err)
		}
		out = append(out, apps.Items...)
	}
	// The cache has no order, and what is said of them must not change each time.
	slices.SortFunc(out, byKey)
	return out, nil
}

// onExposure looks again at the Applications at a host or port that another one gives up, or comes to.
func (r *Reconciler) onExposure() handler.EventHandler {
	wake := func(ctx context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request], before, after []string) {
		changed := slices.DeleteFunc(slices.Concat(before, after), func(claim string) bool {
			return slices.Contains(before, claim) && slices.Contains(after, claim)
		})
		apps, err := r.at(ctx, plan.Places(changed))
		if err != nil {
			return // they look again by themselves, later
		}
		for i := range apps {
			q.Add(requestOf(keyOf(&apps[i])))
		}
	}
	exposed := func(obj client.Object) []string {
		if app, ok := obj.(*api.Application); ok {
			return app.Status.Exposed
		}
		return nil
	}
	return handler.Funcs{
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			wake(ctx, q, exposed(e.ObjectOld), exposed(e.ObjectNew))
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { wake(ctx, q, exposed(e.Object), nil) },
	}
}
