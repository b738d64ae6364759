// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"fmt"
	"slices"
	"time"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/takeover"
)

// giveBack takes one step of giving back what was taken over, before anything of the application goes. It returns what was
// done; the step is done when nothing is owed.
func (r *Reconciler) giveBack(ctx context.Context, app *api.Application) (takeover.Return, []api.TakenRecord, error) {
	if len(app.Spec.TakesOver) == 0 || len(app.Status.Taken) == 0 ||
		apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionClosed) {
		return takeover.Return{Done: true}, app.Status.Taken, nil
	}
	seen, routes, err := r.owed(ctx, app)
	if err != nil {
		return takeover.Return{}, nil, err
	}
	now := time.Now()
	step := takeover.Back(now, seen, len(routes) > 0)
	g := giving{Reconciler: r, app: app, step: step, apart: apart(seen.Items)}
	for _, i := range seen.Items {
		if err := g.one(ctx, i); err != nil {
			return step, nil, err
		}
	}
	if step.Routes {
		for _, v := range routes {
			if err := r.Client.Delete(ctx, v); client.IgnoreNotFound(err) != nil {
				return step, nil, fmt.Errorf("delete VirtualService %s: %w", v.Name, err)
			}
		}
	}
	records := app.DeepCopy().Status.Taken
	mark(records, step.Mark, now, func(r *api.TakenRecord) **metav1.MicroTime { return &r.Back })
	mark(records, step.Clear, now, func(r *api.TakenRecord) **metav1.MicroTime { return &r.Clear })
	return step, records, nil
}

// owed is what is still to be given back, and the application's own routes.
func (r *Reconciler) owed(ctx context.Context, app *api.Application) (takeover.Seen, []*istionet.VirtualService, error) {
	found, err := r.find(ctx, app)
	if err != nil {
		return takeover.Seen{}, nil, err
	}
	var own appsv1.DeploymentList
	var routes istionet.VirtualServiceList
	for _, list := range []client.ObjectList{&own, &routes} {
		if err := r.Client.List(ctx, list, client.InNamespace(app.Namespace), client.MatchingLabels{api.LabelApplication: app.Name}); err != nil {
			return takeover.Seen{}, nil, fmt.Errorf("list %T of application %s: %w", list, app.Name, err)
		}
	}
	var objects []plan.Object
	for i := range own.Items {
		objects = append(objects, &own.Items[i])
	}
	seen := takeover.Seen{Leaving: app.DeletionTimestamp.Time}
	for _, i := range found.items {
		if i.Record != nil && i.Record.Was != nil {
			i.Same, i.Shared = i.Exists, found.shared(&i, podLabels(objects))
			seen.Items = append(seen.Items, i)
		}
	}
	return seen, slices.DeleteFunc(routes.Items, func(v *istionet.VirtualService) bool {
		return !metav1.IsControlledBy(v, app) || v.DeletionTimestamp != nil
	}), nil
}

// giving is one step of giving back.
type giving struct {
	*Reconciler

	app  *api.Application
	step takeover.Return
	// apart are the Services of which old and new pods are not selected alike.
	apart map[string]bool
}

// one does what the step says of one object.
func (r giving) one(ctx context.Context, i takeover.Item) error {
	switch {
	case slices.Contains(r.step.Fill, i.Taken):
		return r.scale(ctx, r.app.Namespace, i.Name, i.Was)
	case slices.Contains(r.step.Release, i.Taken):
		return r.releasePods(ctx, r.app.Namespace, i.Name)
	case slices.Contains(r.step.Restore, i.Taken):
		return r.restore(ctx, i, false)
	case slices.Contains(r.step.Trim, i.Taken):
		return r.restore(ctx, i, true)
	}
	return nil
}

// restore puts the object back as it was. Unless it is to be exact, a rule keeps the subsets that it has by now, and routes
// name no versions of which there are no pods yet.
func (r giving) restore(ctx context.Context, i takeover.Item, exact bool) error {
	old, app := was(i.Record), r.app
	if old == nil {
		return fmt.Errorf("give back %s %s: how it was is not known; make it anew, or take it out of takesOver", i.Kind, i.Name)
	}
	if i.Kind == "StatefulSet" {
		set := &appsv1.StatefulSet{}
		if err := decode(old, set); err != nil {
			return fmt.Errorf("give back StatefulSet %s: %w", i.Name, err)
		}
		if err := r.returnPods(ctx, app, set); err != nil {
			return err
		}
	}
	if i.Kind == "VirtualService" && !exact {
		loosened(old, r.apart)
	}
	live := blank(app.Namespace, i.Taken)
	err := r.Reader.Get(ctx, client.ObjectKeyFromObject(live), live)
	switch {
	case apierrors.IsNotFound(err):
		err = client.IgnoreAlreadyExists(r.Client.Create(ctx, old, client.FieldOwner(takeoverOwner)))
	case err == nil:
		if i.Kind == "Service" && !i.Shared && metav1.IsControlledBy(live, app) {
			if err := r.cross(ctx, live); err != nil {
				return err
			}
		}
		if err = asItWas(live, old, exact); err == nil {
			err = r.Client.Update(ctx, live, client.FieldOwner(takeoverOwner))
		}
	}
	if err != nil {
		return fmt.Errorf("give back %s: %w", kube.Describe(old), err)
	}
	return nil
}

// cross keeps the application's pods reachable when their Service leaves them.
func (r giving) cross(ctx context.Context, service *unstructured.Unstructured) error {
	made, err := bridge(r.app, service)
	if err != nil {
		return err
	}
	for _, b := range made {
		if err := r.Client.Create(ctx, b, client.FieldOwner(takeoverOwner)); client.IgnoreAlreadyExists(err) != nil {
			return fmt.Errorf("make %s: %w", kube.Describe(b), err)
		}
	}
	return nil
}

// asItWas changes the live object to what it was. A Service keeps its address.
func asItWas(live, old *unstructured.Unstructured, exact bool) error {
	live.SetLabels(old.GetLabels())
	live.SetAnnotations(old.GetAnnotations())
	live.SetOwnerReferences(old.GetOwnerReferences())
	switch live.GetKind() {
	case "Service":
		for _, field := range []string{"selector", "ports"} {
			value, _, err := unstructured.NestedFieldCopy(old.Object, "spec", field)
			if err != nil {
				return err
			}
			if err := unstructured.SetNestedField(live.Object, value, "spec", field); err != nil {
				return err
			}
		}
		return nil
	case "DestinationRule":
		now, _, err := unstructured.NestedSlice(live.Object, "spec", "subsets")
		if err != nil {
			return err
		}
		live.Object["spec"] = old.DeepCopy().Object["spec"]
		if exact {
			return nil
		}
		return addSubsets(live, now)
	default:
		live.Object["spec"] = old.DeepCopy().Object["spec"]
		return nil
	}
}

// addSubsets adds those that the rule does not have.
func addSubsets(rule *unstructured.Unstructured, more []any) error {
	have, _, err := unstructured.NestedSlice(rule.Object, "spec", "subsets")
	if err != nil {
		return err
	}
	for _, one := range more {
		named := func(other any) bool { return nameIn(other) == nameIn(one) }
		if !slices.ContainsFunc(have, named) {
			have = append(have, one)
		}
	}
	return unstructured.SetNestedSlice(rule.Object, have, "spec", "subsets")
}

// nameIn is the name of an entry in a list; empty for one that has none.
func nameIn(entry any) string {
	fields, _ := entry.(map[string]any)
	name, _ := fields["name"].(string)
	return name
}
