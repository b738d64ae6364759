// SPDX-License-Identifier: Apache-2.0

package application

import (
	"fmt"
	"slices"

	api "weir.dev/weir/api/v1alpha1"
	engine "weir.dev/weir/internal/release"
	"weir.dev/weir/internal/release/standing"
)

// group is components that are released as one unit, in their order; most often a single one.
type group struct {
	// name is the unit's; empty for a component on its own.
	name  string
	wants []want
}

// groups parts the components as the application does.
func groups(app *api.Application, wants []want) []group {
	var out []group
	bound := map[string]bool{}
	for _, t := range app.Spec.Together {
		g := group{name: t.Name}
		for _, name := range t.Components {
			i := slices.IndexFunc(wants, func(w want) bool { return w.component.Name == name })
			if i >= 0 {
				g.wants = append(g.wants, wants[i])
				bound[name] = true
			}
		}
		out = append(out, g)
	}
	for _, w := range wants {
		if !bound[w.component.Name] {
			out = append(out, group{wants: []want{w}})
		}
	}
	return out
}

func (g group) has(component string) bool {
	return slices.ContainsFunc(g.wants, func(w want) bool { return w.component.Name == component })
}

func (g group) underWay() bool { return slices.ContainsFunc(g.wants, want.underWay) }

// calls tells whether there may be something to make: what changes while another of the group is under way waits for it,
// unless that is a unit of which it is a part.
func (g group) calls(s snapshot) bool {
	if !g.underWay() {
		return slices.ContainsFunc(g.wants, want.needsRelease)
	}
	unit := g.unit()
	return unit != nil && slices.ContainsFunc(unit.Releases, func(name string) bool { return s.release(name) == nil })
}

// unit is the one under way.
func (g group) unit() *api.Unit {
	for _, w := range g.wants {
		if w.underWay() && w.newest.Spec.Unit != nil {
			return w.newest.Spec.Unit
		}
	}
	return nil
}

// starters are the components whose versions are to be released now: with those that call for it go those that went back
// with others of their unit, through no fault of their own.
func (g group) starters() []want {
	var out []want
	for _, w := range g.wants {
		if w.needsRelease() || w.desired != w.current && w.rejected() && w.newest.Status.Reason == engine.ReasonUnit {
			out = append(out, w)
		}
	}
	return out
}

// bind makes one unit of several releases.
func (g group) bind(made []*api.Release) error {
	if len(made) < 2 {
		return nil
	}
	unit := api.Unit{Name: g.name}
	for _, release := range made {
		unit.Releases = append(unit.Releases, release.Name)
	}
	steps := func(r *api.Release) int { return len(engine.Stages(r.Spec.Strategy)) }
	for _, release := range made {
		if steps(release) != steps(made[0]) {
			return fmt.Errorf("spec.together[%s]: %s is released in %d steps and %s in %d; what moves as one needs strategies "+
				"with the same number of steps; until then the versions stay",
				g.name, made[0].Spec.Component, steps(made[0]), release.Spec.Component, steps(release))
		}
		release.Spec.Unit = unit.DeepCopy()
	}
	return nil
}

// releaseNamed is the release of that name, if one of the group would have it now.
func (g group) releaseNamed(s snapshot, name string) *api.Release {
	for _, w := range g.wants {
		if w.desired == w.current || w.underWay() {
			continue
		}
		if release, err := releaseFor(s, w); err == nil && release.Name == name {
			return release
		}
	}
	return nil
}

// waitsFor is the component whose release the want waits for; empty when it does not wait.
func (g group) waitsFor(w want) string {
	if !w.needsRelease() {
		return ""
	}
	var unit []standing.Standing
	for _, other := range g.wants {
		unit = append(unit, other.stands)
	}
	return w.stands.WaitsFor(unit)
}
