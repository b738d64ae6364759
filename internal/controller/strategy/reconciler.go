// SPDX-License-Identifier: Apache-2.0

// Package strategy tells in the status of each Strategy who uses it, and whether it can be carried out.
package strategy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/strategy"
)

const (
	// mostUsers and mostFaults are how many are named in a status.
	mostUsers, mostFaults = 20, 5
)

// Reconciler reconciles Strategies. It writes their status alone.
type Reconciler struct {
	Client client.Client
	// Field is the index of Applications by the Strategies that their components name.
	Field string
	// Templates is the namespace whose Strategies are meant where a namespace has none of the name; empty when there is none.
	Templates string
}

// Reconcile writes the status of one Strategy when it differs.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var s api.Strategy
	if err := r.Client.Get(ctx, req.NamespacedName, &s); err != nil || s.DeletionTimestamp != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	users, err := r.users(ctx, &s)
	if err != nil {
		return ctrl.Result{}, err
	}
	changed := s.DeepCopy()
	changed.Status = describe(s, users)
	if equality.Semantic.DeepEqual(s.Status, changed.Status) {
		return ctrl.Result{}, nil
	}
	err = r.Client.Status().Patch(ctx, changed, client.MergeFromWithOptions(&s, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("write status of strategy %s: %w", s.Name, client.IgnoreNotFound(err))
	}
	return ctrl.Result{}, nil
}

// user is a component that names the strategy.
type user struct {
	app       *api.Application
	component string
}

// users are the components that mean this strategy, in a fixed order.
func (r *Reconciler) users(ctx context.Context, s *api.Strategy) ([]user, error) {
	options := []client.ListOption{client.MatchingFields{r.Field: s.Name}}
	if s.Namespace != r.Templates {
		options = append(options, client.InNamespace(s.Namespace))
	}
	var list api.ApplicationList
	if err := r.Client.List(ctx, &list, options...); err != nil {
		return nil, fmt.Errorf("list the applications that name strategy %s: %w", s.Name, err)
	}
	var out []user
	for i := range list.Items {
		app := &list.Items[i]
		meant, err := kube.Strategies{Reader: r.Client, Templates: r.Templates}.Find(ctx, app.Namespace, s.Name)
		if err != nil {
			return nil, err
		}
		if meant == nil || meant.Namespace != s.Namespace {
			continue
		}
		for _, c := range app.Spec.Components {
			if c.Strategy == s.Name {
				out = append(out, user{app, c.Name})
			}
		}
	}
	slices.SortFunc(out, func(a, b user) int {
		return cmp.Or(cmp.Compare(a.app.Namespace, b.app.Namespace), cmp.Compare(a.app.Name, b.app.Name), cmp.Compare(a.component, b.component))
	})
	return out, nil
}

// describe is the status that follows from who uses the strategy.
func describe(s api.Strategy, users []user) api.StrategyStatus {
	status := api.StrategyStatus{ObservedGeneration: s.Generation, Components: int32(len(users)),
		Conditions: slices.Clone(s.Status.Conditions)}
	var faults []string
	for _, fault := range strategy.Alone(s.Spec) {
		faults = append(faults, fault.Error())
	}
	for _, u := range users {
		name := u.app.Name + "/" + u.component
		if u.app.Namespace != s.Namespace {
			name = u.app.Namespace + "/" + name
		}
		if len(status.UsedBy) < mostUsers {
			status.UsedBy = append(status.UsedBy, name)
		}
		for _, fault := range strategy.Fit(s.Spec, u.app, u.component) {
			faults = append(faults, "for "+name+": "+fault.Error())
		}
	}
	condition := metav1.Condition{Type: api.ConditionAccepted, Status: metav1.ConditionTrue, Reason: "Accepted",
		Message: "it can be carried out"}
	if len(faults) > 0 {
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, "Refused", words(faults)
	}
	condition.ObservedGeneration = s.Generation
	apimeta.SetStatusCondition(&status.Conditions, condition)
	return status
}

func words(faults []string) string {
	more := ""
	if n := len(faults) - mostFaults; n > 0 {
		more = fmt.Sprintf("; and %d more", n)
		faults = faults[:mostFaults]
	}
	return strings.Join(faults, "; ") + more
}
