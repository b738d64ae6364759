// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	api "weir.dev/weir/api/v1alpha1"
)

// begin makes the releases that the spec calls for.
func (r *Reconciler) begin(ctx context.Context, s snapshot, wants []want) error {
	var refused error
	for _, g := range groups(s.app, wants) {
		if !g.calls(s) || !g.underWay() && (g.contested(s) || g.awaits(s)) {
			continue
		}
		if behind, err := r.behind(ctx, s, g); behind || err != nil {
			return err
		}
		if shadowed, err := r.shadowed(ctx, s, g); shadowed || err != nil {
			return err
		}
		refused = errors.Join(refused, r.beginGroup(ctx, s, g))
	}
	return errors.Join(refused, r.dropOrphans(ctx, s))
}

func (r *Reconciler) beginGroup(ctx context.Context, s snapshot, g group) error {
	if unit := g.unit(); unit != nil {
		return r.complete(ctx, s, g, *unit)
	}
	var made []*api.Release
	for _, w := range g.starters() {
		release, err := releaseFor(s, w)
		if err != nil {
			return err
		}
		made = append(made, release)
	}
	if err := g.bind(made); err != nil {
		return err
	}
	for _, release := range made {
		if err := r.create(ctx, s, release); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciler) create(ctx context.Context, s snapshot, release *api.Release) error {
	if err := controllerutil.SetControllerReference(s.app, release, r.Client.Scheme()); err != nil {
		return err
	}
	if err := r.Client.Create(ctx, release); err != nil {
		return fmt.Errorf("begin release of component %s: %w", release.Spec.Component, err)
	}
	r.Recorder.Eventf(s.app, release, corev1.EventTypeNormal, "ReleaseBegun", "Release",
		"component %s goes from version %s to %s", release.Spec.Component, release.Spec.From, release.Spec.To)
	return nil
}

// complete makes what a unit lacks since its making was interrupted. When the spec asks for something else by now, the
// rest of the unit is dropped, to begin anew: until all of it is there, none of it gets a request.
func (r *Reconciler) complete(ctx context.Context, s snapshot, g group, unit api.Unit) error {
	var lacking []*api.Release
	untouched := true
	for _, name := range unit.Releases {
		if known := s.release(name); known != nil {
			untouched = untouched && len(known.Status.Steps) == 0
			continue
		}
		release := g.releaseNamed(s, name)
		if release == nil {
			return r.drop(ctx, s, unit, untouched)
		}
		release.Spec.Unit = unit.DeepCopy()
		lacking = append(lacking, release)
	}
	for _, release := range lacking {
		if err := r.create(ctx, s, release); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciler) drop(ctx context.Context, s snapshot, unit api.Unit, untouched bool) error {
	if !untouched {
		return nil // it waits, says so, and can be aborted
	}
	for _, name := range unit.Releases {
		known := s.release(name)
		if known == nil || known.Status.Phase.Finished() {
			continue
		}
		if err := r.Client.Delete(ctx, known); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete release %s, whose unit was never whole: %w", name, err)
		}
	}
	return nil
}

// behind asks past the cache whether there are releases of the group that the cache does not show yet.
func (r *Reconciler) behind(ctx context.Context, s snapshot, g group) (bool, error) {
	var list api.ReleaseList
	err := r.Reader.List(ctx, &list, client.InNamespace(s.app.Namespace), client.MatchingLabels{api.LabelApplication: s.app.Name})
	if err != nil {
		return false, fmt.Errorf("list releases of application %s: %w", s.app.Name, err)
	}
	known := 0
	for _, w := range g.wants {
		known += len(s.releases[w.component.Name])
	}
	live := slices.DeleteFunc(list.Items, func(r api.Release) bool { return !g.has(r.Spec.Component) })
	return len(live) > known, nil
}

// dropOrphans removes unfinished releases of components that the spec no longer has.
func (r *Reconciler) dropOrphans(ctx context.Context, s snapshot) error {
	named := map[string]bool{}
	for _, c := range s.app.Spec.Components {
		named[c.Name] = true
	}
	for component, releases := range s.releases {
		for i := range releases {
			if named[component] || releases[i].Status.Phase.Finished() {
				continue
			}
			if err := r.Client.Delete(ctx, &releases[i]); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("delete release %s of a component that is gone: %w", releases[i].Name, err)
			}
		}
	}
	return nil
}
