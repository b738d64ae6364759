// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"slices"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/revision"
	"weir.dev/weir/internal/plan/strategy"
	"weir.dev/weir/internal/release"
)

// standing is where a component stands, and whether a release would begin.
type standing struct {
	component api.Component
	// current carries the traffic, desired is what the Application would ask for.
	current, desired string
	begins           bool
	notes, faults    []string
}

func (in Input) stand(c api.Component) standing {
	s := standing{component: c, desired: revision.Version(c, in.Revisions[c.Name])}
	s.current = in.current(c.Name, s.desired)
	newest := in.newest(c.Name)
	_, known := in.Strategies[c.Strategy]
	switch {
	case c.Strategy != "" && !known:
		named := ""
		if in.Named != "" {
			named = "; " + in.Named
		}
		s.fault("spec.components[%s].strategy: there is no Strategy %q%s; create it, or name another", c.Name, c.Strategy, named)
	case newest != nil && !newest.Status.Phase.Finished() && newest.Spec.To == s.desired:
		s.note("%s: release %s to %s is under way already; see: weir release watch %s", c.Name, newest.Name, s.desired, newest.Name)
	case s.desired == s.current:
		if newest != nil && !newest.Status.Phase.Finished() {
			s.note("%s: release %s would go back to %s, since nobody asks for %s any more", c.Name, newest.Name, s.current, newest.Spec.To)
		}
	case rejected(newest, s.desired):
		s.note("%s: %s was rolled back before (%s) and is not tried again by itself; see: weir release retry %s",
			c.Name, s.desired, newest.Status.Message, newest.Name)
	default:
		s.begins = true
		if newest != nil && !newest.Status.Phase.Finished() {
			s.note("%s: release %s to %s would go back first; %s follows it", c.Name, newest.Name, newest.Spec.To, s.desired)
		}
	}
	if known {
		for _, wrong := range strategy.Check(in.Strategies[c.Strategy], in.Then, c.Name) {
			s.fault("strategy %s of %s: %s", c.Strategy, c.Name, wrong.Error())
		}
	}
	if s.begins {
		s.noteUnit(in.Then)
		s.noteLoad()
		s.noteGates(in.Strategies[c.Strategy])
	}
	return s
}

// rejected is true for a version that went back and was not merely superseded.
func rejected(newest *api.Release, desired string) bool {
	return newest != nil && newest.Status.Phase == api.ReleaseRolledBack && newest.Spec.To == desired &&
		newest.Status.Reason != release.ReasonSuperseded && !newest.Spec.Retry
}

func (s *standing) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

func (s *standing) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

func (s *standing) noteUnit(app *api.Application) {
	for _, unit := range app.Spec.Together {
		others := slices.Clone(unit.Components)
		if i := slices.Index(others, s.component.Name); i >= 0 {
			s.note("%s: moves as one with new versions of %s", s.component.Name, strings.Join(slices.Delete(others, i, i+1), ", "))
		}
	}
}

// noteLoad tells that the number of pods is not the plan's alone.
func (s *standing) noteLoad() {
	if a := s.component.Autoscale; a != nil {
		s.note("%s: pods are counted as few as they may be; the new version gets as many as the load asks for, up to %d", s.component.Name, max(a.Max, s.component.Pods()))
	}
}

// noteGates tells what the release would wait for besides time and evidence.
func (s *standing) noteGates(by api.StrategySpec) {
	for _, g := range by.Gates {
		whom := "an approval"
		switch {
		case g.Webhook != nil:
			whom = g.Webhook.URL
		case g.Job != nil:
			whom = "a job of " + g.Job.Image
		}
		at := map[api.GatePoint]string{
			api.GateBeforeStart: "before it starts", api.GateBeforeStep: "before each step", api.GateBeforePromotion: "before all requests move",
		}[g.At]
		if at != "" {
			s.note("%s: gate %s waits for %s %s; that time is not counted", s.component.Name, g.Name, whom, at)
		}
	}
	if len(by.Windows) > 0 {
		s.note("%s: steps are taken in the strategy's windows only; that time is not counted", s.component.Name)
	}
}

// newest is the newest release of the component; nil when there was none.
func (in Input) newest(component string) *api.Release {
	for i := len(in.Releases) - 1; i >= 0; i-- {
		if in.Releases[i].Spec.Component == component {
			return &in.Releases[i]
		}
	}
	return nil
}

// current is the version that carries the traffic. A component that is new begins with what is asked for.
func (in Input) current(component, desired string) string {
	switch newest := in.newest(component); {
	case newest != nil && newest.Status.Phase == api.ReleasePromoted:
		return newest.Spec.To
	case newest != nil:
		return newest.Spec.From
	}
	if in.Now == nil {
		return desired
	}
	for _, s := range in.Now.Status.Components {
		if _, kept := in.Revisions[component][s.Current]; s.Name == component && kept {
			return s.Current
		}
	}
	return desired
}
