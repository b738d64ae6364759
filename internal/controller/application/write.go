// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
)

// carryOut writes the objects, and deletes what the application owns besides.
func (r *Reconciler) carryOut(ctx context.Context, s snapshot, wants []want, objects []plan.Object) error {
	applier := kube.Applier{
		Client: r.Client, Reader: r.Reader, Taking: s.taking.may(s.app.Namespace), Admitted: r.admitted, Compared: r.compared,
		Repaired: r.repaired(s.app),
	}
	objects, err := r.withhold(ctx, s, wants, objects)
	if err != nil {
		return err
	}
	live, err := r.live(ctx, s)
	if err != nil {
		return err
	}
	first, later := s.taking.sequence(objects, live)
	if err := r.write(ctx, s, applier, first); err != nil {
		return err
	}
	keep := make([]client.Object, 0, len(first))
	for _, obj := range first {
		keep = append(keep, obj)
	}
	deleted, err := applier.Prune(ctx, s.app, keep)
	for _, name := range deleted {
		logf.FromContext(ctx).V(1).Info("deleted", "object", name)
	}
	if err != nil {
		return err
	}
	return r.write(ctx, s, applier, later)
}

// atOnce is how many objects of one kind are written at a time.
const atOnce = 4

// write writes the objects in this order, but for those that are not taken over yet. Those of one kind go together: istiod tells
// the proxies of both routes of a component at once when less than 100 ms lie between them.
func (r *Reconciler) write(ctx context.Context, s snapshot, applier kube.Applier, objects []plan.Object) error {
	for len(objects) > 0 {
		n := alike(objects)
		errs := make([]error, n)
		var group errgroup.Group
		group.SetLimit(atOnce)
		for i, obj := range objects[:n] {
			if !s.taking.holds(s.app, obj) {
				group.Go(func() error {
					errs[i] = apply(ctx, applier, obj)
					return nil
				})
			}
		}
		_ = group.Wait() // the errors are in order of the objects
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		objects = objects[n:]
	}
	return nil
}

// alike is how many of the objects, from the first on, are of its kind.
func alike(objects []plan.Object) int {
	kind := objects[0].GetObjectKind().GroupVersionKind()
	for i, obj := range objects {
		if obj.GetObjectKind().GroupVersionKind() != kind {
			return i
		}
	}
	return len(objects)
}

func apply(ctx context.Context, applier kube.Applier, obj plan.Object) error {
	wrote, err := applier.Apply(ctx, obj)
	if err == nil && wrote {
		logf.FromContext(ctx).V(1).Info("applied", "object", kube.Describe(obj))
	}
	return err
}

// live are the rules and Services that there are, whose subsets and ports may still be in use.
func (r *Reconciler) live(ctx context.Context, s snapshot) ([]plan.Object, error) {
	var rules istionet.DestinationRuleList
	var services corev1.ServiceList
	if err := errors.Join(r.list(ctx, &s, &rules), r.list(ctx, &s, &services)); err != nil {
		return nil, err
	}
	out := make([]plan.Object, 0, len(rules.Items)+len(services.Items))
	for _, rule := range rules.Items {
		out = append(out, rule)
	}
	for i := range services.Items {
		out = append(out, &services.Items[i])
	}
	return out, nil
}

// repaired says that somebody else had changed an object.
func (r *Reconciler) repaired(app *api.Application) func(client.Object, string) {
	return func(obj client.Object, where string) {
		r.Recorder.Eventf(app, nil, corev1.EventTypeWarning, "Repaired", "Apply", "%s was changed by somebody else (%s) and is put right again; "+
			"change the Application instead", kube.Describe(obj), where)
	}
}
