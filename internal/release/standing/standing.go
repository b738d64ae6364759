// SPDX-License-Identifier: Apache-2.0

// Package standing tells, from the releases that a component has had, which version carries its requests and whether
// another release begins. The controller acts by it, and a plan foretells by it.
package standing

import (
	"cmp"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
)

// History is what is known of an Application's past.
type History struct {
	// Application as the cluster has it, with its status; nil when there is none yet.
	Application *api.Application
	// Revisions are the kept contents, by component and version.
	Revisions map[string]map[string]api.Component
	// Releases by component, sorted by Older.
	Releases map[string][]api.Release
}

// Standing is where a component stands between the version that is asked for and the one it has.
type Standing struct {
	Component api.Component
	// Desired is the version that is asked for. Current carries the requests when nothing is under way.
	Desired, Current string
	// Newest release; nil when there was none, and for what is not released.
	Newest *api.Release
	// GaveWay is true when nothing was wrong with the newest release: it went back because yet another version was asked for,
	// of this component or of another of its unit, or because somebody took its pods away.
	GaveWay bool
}

// Of tells where the component stands when the version is asked for. What cannot have two versions side by side has the
// desired one at once, without a release.
func (h History) Of(c api.Component, desired string) Standing {
	s := Standing{Component: c, Desired: desired, Current: desired}
	if !c.SideBySide() {
		return s
	}
	if releases := h.Releases[c.Name]; len(releases) > 0 {
		s.Newest = &releases[len(releases)-1]
		s.GaveWay = h.gaveWay(s.Newest)
	}
	s.Current = h.current(s)
	return s
}

// Release of that name; nil when there is none.
func (h History) Release(name string) *api.Release {
	for _, releases := range h.Releases {
		for i := range releases {
			if releases[i].Name == name {
				return &releases[i]
			}
		}
	}
	return nil
}

func (h History) current(s Standing) string {
	switch {
	case s.Newest != nil && s.Newest.Status.Phase == api.ReleasePromoted:
		return s.Newest.Spec.To
	case s.Newest != nil:
		return s.Newest.Spec.From
	case h.Application == nil:
		return s.Desired
	}
	for _, status := range h.Application.Status.Components {
		if _, kept := h.Revisions[s.Component.Name][status.Current]; status.Name == s.Component.Name && kept {
			return status.Current
		}
	}
	return s.Desired
}

// gaveWay tells whether nothing was wrong with the release, nor with the others of its unit.
func (h History) gaveWay(r *api.Release) bool {
	if r.Status.Reason == release.ReasonLost {
		return !lostTwice(h.Releases[r.Spec.Component])
	}
	if r.Status.Reason != release.ReasonUnit || r.Spec.Unit == nil {
		return r.Status.Reason == release.ReasonSuperseded
	}
	superseded := false
	for _, name := range r.Spec.Unit.Releases {
		other := h.Release(name)
		if other == nil || other.Status.Reason == release.ReasonUnit {
			continue
		}
		if superseded = other.Status.Reason == release.ReasonSuperseded; !superseded {
			return false
		}
	}
	return superseded
}

// lostTwice tells whether pods of the newest release's version were taken away in the one before as well. Whoever does so
// means it, and there is no third try.
func lostTwice(releases []api.Release) bool {
	if len(releases) < 2 {
		return false
	}
	last, before := releases[len(releases)-1], releases[len(releases)-2]
	return before.Status.Reason == release.ReasonLost && before.Spec.To == last.Spec.To
}

// UnderWay tells whether a release has not ended.
func (s Standing) UnderWay() bool { return s.Newest != nil && !s.Newest.Status.Phase.Finished() }

// Moves tells whether a release is under way that has begun to move: before that nothing is asked of the old version.
func (s Standing) Moves() bool { return s.UnderWay() && s.Newest.Status.Phase != api.ReleaseWaiting }

// Begins tells whether a new release has to begin. A version that was rolled back is not tried again by itself, unless it
// gave way only because another version had come, or the user asks for it.
func (s Standing) Begins() bool {
	return s.Desired != s.Current && !s.UnderWay() && (!s.Rejected() || s.Newest.Spec.Retry)
}

// Follows tells whether a new release begins when the one under way has gone back, since that is to another version.
func (s Standing) Follows() bool {
	return s.UnderWay() && s.Newest.Spec.To != s.Desired && s.Desired != s.Current
}

// WaitsFor is the component of the same unit whose release has to end before the one that is called for begins; empty when
// none is called for, or nothing is waited for.
func (s Standing) WaitsFor(unit []Standing) string {
	if !s.Begins() {
		return ""
	}
	for _, other := range unit {
		if other.UnderWay() {
			return other.Component.Name
		}
	}
	return ""
}

// Rejected tells whether the version that is asked for went back already.
func (s Standing) Rejected() bool {
	return s.Newest != nil && s.Newest.Status.Phase == api.ReleaseRolledBack && s.Newest.Spec.To == s.Desired && !s.GaveWay
}

// Older orders the releases of a component. One that is under way is always the newest, even if it was made long ago and is
// tried again.
func Older(a, b api.Release) int {
	if a.Status.Phase.Finished() != b.Status.Phase.Finished() {
		if a.Status.Phase.Finished() {
			return -1
		}
		return 1
	}
	if a.Status.FinishedAt != nil && b.Status.FinishedAt != nil {
		if c := a.Status.FinishedAt.Compare(b.Status.FinishedAt.Time); c != 0 {
			return c
		}
	}
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}
