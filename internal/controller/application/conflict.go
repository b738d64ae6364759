// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/conflict"
	"weir.dev/weir/internal/plan/routing"
)

// componentField indexes Applications by the names of their components.
const componentField = "spec.components.name"

// readConflicts finds what others say about the hosts of the components.
func (r *Reconciler) readConflicts(ctx context.Context, s *snapshot) error {
	s.conflicts, s.withheld = map[string][]conflict.Conflict{}, map[string]bool{}
	for _, c := range s.app.Spec.Components {
		if c.RunsToEnd() || len(c.Ports) == 0 {
			continue // nobody calls it
		}
		found, err := kube.Conflicts(ctx, r.Client, s.app, c.Name)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			s.conflicts[c.Name] = found
		}
	}
	return nil
}

// withhold leaves out the routes of components that somebody else routes, or has not deployed yet, as long as we have none of
// our own: nothing of a host is touched before it is ours alone and can be served. What we have already is kept as it is wanted.
func (r *Reconciler) withhold(ctx context.Context, s snapshot, wants []want, objects []plan.Object) ([]plan.Object, error) {
	var held []string
	for _, w := range wants {
		if len(s.conflicts[w.component.Name]) > 0 || s.lacks(w, w.current) != "" {
			held = append(held, w.component.Name)
		}
	}
	if len(held) == 0 {
		return objects, nil
	}
	var out []plan.Object
	ours, err := r.routed(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, component := range held {
		s.withheld[component] = !ours[component]
	}
	for _, o := range objects {
		kept := true
		for component, held := range s.withheld {
			kept = kept && (!held || !leadsTo(o, routing.Host(s.app.Namespace, component)))
		}
		if kept {
			out = append(out, o)
		}
	}
	return out, nil
}

// routed are the components of which the application has routes or rules.
func (r *Reconciler) routed(ctx context.Context, s snapshot) (map[string]bool, error) {
	out := map[string]bool{}
	var routes istionet.VirtualServiceList
	var rules istionet.DestinationRuleList
	if err := errors.Join(r.list(ctx, &s, &routes), r.list(ctx, &s, &rules)); err != nil {
		return nil, err
	}
	note := func(o client.Object) {
		component := o.GetLabels()[api.LabelComponent]
		out[component] = out[component] || metav1.IsControlledBy(o, s.app)
	}
	for _, o := range routes.Items {
		note(o)
	}
	for _, o := range rules.Items {
		note(o)
	}
	return out, nil
}

// leadsTo tells whether the object is a rule for the host, or a route to it.
func leadsTo(o plan.Object, host string) bool {
	switch o := o.(type) {
	case *istionet.DestinationRule:
		return o.Spec.Host == host
	case *istionet.VirtualService:
		for _, route := range o.Spec.Http {
			for _, d := range route.Route {
				if d.GetDestination().GetHost() == host {
					return true
				}
			}
		}
		for _, route := range o.Spec.Tcp {
			for _, d := range route.Route {
				if d.GetDestination().GetHost() == host {
					return true
				}
			}
		}
	}
	return false
}

// contested tells whether somebody else routes any of the group's components, so that shares would not be what callers get.
func (g group) contested(s snapshot) bool {
	return slices.ContainsFunc(g.wants, func(w want) bool { return len(s.conflicts[w.component.Name]) > 0 })
}

// routesCondition tells of everybody else who has a say about a host of the application.
func routesCondition(s snapshot) metav1.Condition {
	var words []string
	for _, c := range s.app.Spec.Components {
		for _, found := range s.conflicts[c.Name] {
			words = append(words, fmt.Sprintf("%s; %s; until then releases of %s wait", found, found.Do(), c.Name))
		}
	}
	if len(words) > 0 {
		return metav1.Condition{Type: api.ConditionRoutes, Status: metav1.ConditionFalse, Reason: "Conflict", Message: strings.Join(words, ". ")}
	}
	return metav1.Condition{Type: api.ConditionRoutes, Status: metav1.ConditionTrue, Reason: "Alone",
		Message: "nobody else routes what the components are called by"}
}

func componentsOf(obj client.Object) []string {
	app, ok := obj.(*api.Application)
	if !ok {
		return nil
	}
	var out []string
	for _, c := range app.Spec.Components {
		out = append(out, c.Name)
	}
	return out
}

// ofHost finds the Applications whose hosts somebody else has a say about.
func (r *Reconciler) ofHost(ctx context.Context, obj client.Object) []reconcile.Request {
	if conflict.Ours(obj) {
		return nil
	}
	var out []reconcile.Request
	for _, host := range conflict.Hosts(obj) {
		var options []client.ListOption
		name, namespace, ok := conflict.Service(host)
		switch {
		case ok:
			options = []client.ListOption{client.InNamespace(namespace), client.MatchingFields{componentField: name}}
		case !strings.HasPrefix(host, "*"):
			continue
		}
		var apps api.ApplicationList
		if err := r.Client.List(ctx, &apps, options...); err == nil {
			out = append(out, requestsOf(apps.Items)...)
		}
	}
	return out
}
