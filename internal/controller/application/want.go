// SPDX-License-Identifier: Apache-2.0

package application

import (
	"fmt"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/revision"
	engine "weir.dev/weir/internal/release"
)

// want is what a component should be, as far as the spec, the revisions and the releases tell.
type want struct {
	component api.Component
	// desired is the version the spec asks for, current the one that carries the traffic when nothing is under way.
	desired, current string
	// newest is the newest release; nil when there was none.
	newest *api.Release
	// gaveWay is true when the newest release went back only because the spec asked for yet another version, of this
	// component or of another of its unit.
	gaveWay bool
	// versions is what the planner is to make.
	versions []api.VersionWanted
}

// decide derives the want of one component. It is a function of the snapshot alone.
func decide(s snapshot, c api.Component) want {
	w := want{component: c, desired: revision.Version(c, s.revisions[c.Name])}
	if !c.SideBySide() {
		w.current = w.desired
		w.versions = []api.VersionWanted{{Version: w.desired, Replicas: c.Pods(), Weight: 100}}
		return w
	}
	if releases := s.releases[c.Name]; len(releases) > 0 {
		w.newest = &releases[len(releases)-1]
		w.gaveWay = gaveWay(s, w.newest)
	}
	w.current = current(s, w)
	w.versions = []api.VersionWanted{{Version: w.current, Replicas: c.Pods(), Subset: true, Weight: 100}}
	if w.moves() && len(w.newest.Status.Wanted) > 0 {
		w.versions = w.newest.Status.Wanted
	}
	return w
}

// moves tells whether a release is under way that has begun to move: before that nothing is asked of the old version.
func (w want) moves() bool { return w.underWay() && w.newest.Status.Phase != api.ReleaseWaiting }

// underWay tells whether a release has not ended.
func (w want) underWay() bool { return w.newest != nil && !w.newest.Status.Phase.Finished() }

// needsRelease tells whether a new release has to begin. A version that was rolled back is not tried again by itself,
// unless it gave way only because another version had come, or the user asks for it.
func (w want) needsRelease() bool {
	return w.desired != w.current && !w.underWay() && (!w.rejected() || w.newest.Spec.Retry)
}

// rejected tells whether the version that is asked for went back already.
func (w want) rejected() bool {
	return w.newest != nil && w.newest.Status.Phase == api.ReleaseRolledBack && w.newest.Spec.To == w.desired && !w.gaveWay
}

// gaveWay tells whether nothing was wrong with the release, nor with the others of its unit.
func gaveWay(s snapshot, r *api.Release) bool {
	if r.Status.Reason != engine.ReasonUnit || r.Spec.Unit == nil {
		return r.Status.Reason == engine.ReasonSuperseded
	}
	superseded := false
	for _, name := range r.Spec.Unit.Releases {
		other := s.release(name)
		if other == nil || other.Status.Reason == engine.ReasonUnit {
			continue
		}
		if superseded = other.Status.Reason == engine.ReasonSuperseded; !superseded {
			return false
		}
	}
	return superseded
}

func current(s snapshot, w want) string {
	switch {
	case w.newest != nil && w.newest.Status.Phase == api.ReleasePromoted:
		return w.newest.Spec.To
	case w.newest != nil:
		return w.newest.Spec.From
	}
	for _, status := range s.app.Status.Components {
		if _, kept := s.revisions[w.component.Name][status.Current]; status.Name == w.component.Name && kept {
			return status.Current
		}
	}
	return w.desired
}

// input turns the wants into what the planner reads.
func (r *Reconciler) input(s snapshot, wants []want) (plan.Input, error) {
	in := plan.Input{Application: s.app, Gateway: r.Gateway}
	for _, w := range wants {
		c := plan.Component{Spec: w.component, Wanted: w.versions, Versions: map[string]api.Component{}, Counted: s.counted(w)}
		for _, v := range w.versions {
			frozen, ok := s.revisions[w.component.Name][v.Version]
			if !ok {
				return plan.Input{}, fmt.Errorf("component %s: nothing is known of version %s; its ControllerRevision was deleted", w.component.Name, v.Version)
			}
			c.Versions[v.Version] = frozen
		}
		in.Components = append(in.Components, c)
	}
	return in, nil
}

// releaseFor makes the release that brings the component from its current to its desired version.
func releaseFor(s snapshot, w want) (*api.Release, error) {
	spec, err := strategyOf(s, w.component)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, release := range s.releases[w.component.Name] {
		taken[release.Name] = true
	}
	release := &api.Release{Spec: api.ReleaseSpec{
		Application: s.app.Name, Component: w.component.Name, From: w.current, To: w.desired, Strategy: spec,
	}}
	release.Namespace = s.app.Namespace
	release.Name = revision.Name(w.component.Name, w.desired)
	for n := 2; taken[release.Name]; n++ {
		release.Name = fmt.Sprintf("%s-%d", revision.Name(w.component.Name, w.desired), n)
	}
	release.Labels = labels(s.app, w.component.Name, w.desired)
	return release, nil
}

func labels(app *api.Application, component, version string) map[string]string {
	return map[string]string{api.LabelApplication: app.Name, api.LabelComponent: component, api.LabelVersion: version}
}
