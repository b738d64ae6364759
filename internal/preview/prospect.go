// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"slices"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/revision"
	"weir.dev/weir/internal/plan/strategy"
	"weir.dev/weir/internal/release/standing"
)

// prospect is where a component would stand, and whether a release would begin.
type prospect struct {
	standing.Standing
	begins        bool
	notes, faults []string
}

// prospect foretells what the controller would do, by what it would do it by.
func (in Input) prospect(c api.Component) prospect {
	s := prospect{Standing: in.stand(c)}
	spec, known := in.Strategies[c.Strategy]
	if s.begins = s.Begins() || s.Follows(); c.Strategy != "" && !known {
		s.begins = false
		s.fault("spec.components[%s].strategy: there is no Strategy %q%s; create it, or name another", c.Name, c.Strategy, in.named())
	}
	if _, _, missing := in.version(c); missing != nil {
		s.fault("%s", missing.Error())
	}
	s.noteNewest()
	if known {
		for _, wrong := range strategy.Check(spec, in.Then, c.Name) {
			s.fault("strategy %s of %s: %s", c.Strategy, c.Name, wrong.Error())
		}
	}
	if s.begins {
		s.noteUnit(in)
		s.noteLoad()
		s.noteGates(spec)
	}
	return s
}

// stand is where the component stands, by what is asked for then.
func (in Input) stand(c api.Component) standing.Standing {
	h := standing.History{Application: in.Now, Revisions: in.Revisions, Releases: map[string][]api.Release{}}
	for _, r := range in.Releases {
		h.Releases[r.Spec.Component] = append(h.Releases[r.Spec.Component], r)
	}
	version, _, missing := in.version(c)
	s := h.Of(c, version)
	if missing != nil {
		s.Desired = s.Current // as long as something is missing, nothing else is asked for
	}
	return s
}

// version is the one that the component would be, and its content. The error says what it names and is not there.
func (in Input) version(c api.Component) (string, api.Component, error) {
	resolved, missing := c, error(nil)
	if in.Contents != nil {
		if resolved, _, missing = config.Resolve(c, in.Contents); missing != nil {
			resolved = c
		}
	}
	return revision.Version(resolved, in.Revisions[c.Name]), revision.Freeze(resolved), missing
}

func (in Input) named() string {
	if in.Named == "" {
		return ""
	}
	return "; " + in.Named
}

// noteNewest tells what becomes of the release that there is.
func (s *prospect) noteNewest() {
	switch c := s.Component.Name; {
	case s.Newest == nil:
	case s.UnderWay() && s.Newest.Spec.To == s.Desired:
		s.note("%s: release %s to %s is under way already; see: weir release watch %s", c, s.Newest.Name, s.Desired, s.Newest.Name)
	case s.UnderWay() && s.Desired == s.Current:
		s.note("%s: release %s would go back to %s, since nobody asks for %s any more", c, s.Newest.Name, s.Current, s.Newest.Spec.To)
	case s.begins && s.Follows():
		s.note("%s: release %s to %s would go back first; %s follows it", c, s.Newest.Name, s.Newest.Spec.To, s.Desired)
	case s.Rejected() && !s.Begins():
		s.note("%s: %s was rolled back before (%s) and is not tried again by itself; see: weir release retry %s",
			c, s.Desired, s.Newest.Status.Message, s.Newest.Name)
	}
}

func (s *prospect) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

func (s *prospect) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// noteUnit tells what moves with the component, and what it waits for.
func (s *prospect) noteUnit(in Input) {
	for _, t := range in.Then.Spec.Together {
		others := slices.Clone(t.Components)
		i := slices.Index(others, s.Component.Name)
		if i < 0 {
			continue
		}
		s.note("%s: moves as one with new versions of %s", s.Component.Name, strings.Join(slices.Delete(others, i, i+1), ", "))
		var unit []standing.Standing
		for _, c := range in.Then.Spec.Components {
			if slices.Contains(t.Components, c.Name) {
				unit = append(unit, in.stand(c))
			}
		}
		if before := s.WaitsFor(unit); before != "" {
			s.note("%s: waits until the release of %s has ended", s.Component.Name, before)
		}
	}
}

// noteLoad tells that the number of pods is not the plan's alone.
func (s *prospect) noteLoad() {
	if a := s.Component.Autoscale; a != nil {
		s.note("%s: pods are counted as few as they may be; the new version gets as many as the load asks for, up to %d", s.Component.Name,
			max(a.Max, s.Component.Pods()))
	}
}

// noteGates tells what the release would wait for besides time and evidence.
func (s *prospect) noteGates(by api.StrategySpec) {
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
			s.note("%s: gate %s waits for %s %s; that time is not counted", s.Component.Name, g.Name, whom, at)
		}
	}
	if len(by.Windows) > 0 {
		s.note("%s: steps are taken in the strategy's windows only; that time is not counted", s.Component.Name)
	}
}
