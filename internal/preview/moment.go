// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/release"
)

// defaultDrain is how long requests in flight are waited for when the strategy does not say.
const defaultDrain = 10 * time.Second

// release walks through the release that would begin, from what there is before it.
func (in Input) release(s prospect, before []plan.Object) (Release, []string, error) {
	strategy := in.Strategies[s.Component.Strategy]
	out := Release{
		Component: s.Component.Name, From: s.Current, To: s.Desired, Strategy: s.Component.Strategy, Type: strategy.Type,
		Rate: in.Rates[s.Component.Name], PodsNow: s.Component.Pods(),
	}
	spec := api.ReleaseSpec{Application: in.Then.Name, Component: out.Component, From: out.From, To: out.To, Strategy: strategy}
	statuses, err := walk(spec, out.PodsNow)
	if err != nil {
		return Release{}, nil, err
	}
	var wrong []string
	for _, status := range statuses {
		after, err := in.objects(in.Then, map[string][]api.VersionWanted{out.Component: status.Wanted})
		if err != nil {
			return Release{}, nil, err
		}
		m := in.moment(spec, status)
		wrong = append(wrong, faults(out.Component+": "+m.Title+": ", after)...)
		if m.Changes, err = changes(before, after); err != nil {
			return Release{}, nil, err
		}
		before = after
		for _, w := range status.Wanted {
			m.Pods += w.Replicas
		}
		out.PodsAtMost = max(out.PodsAtMost, m.Pods)
		out.Seconds += m.Seconds
		if len(m.Changes) > 0 || m.Step > 0 || m.Seconds > 0 {
			out.Moments = append(out.Moments, m)
		}
	}
	return out, wrong, nil
}

// moment is the status in words, and how long it lasts.
func (in Input) moment(spec api.ReleaseSpec, status api.ReleaseStatus) Moment {
	m := Moment{Phase: status.Phase}
	switch status.Phase {
	case api.ReleasePreparing:
		m.Title, m.Seconds = "pods of "+spec.To+" start beside those of "+spec.From, in.Ready.Seconds()
	case api.ReleaseConnecting:
		m.Title = "callers learn how to reach " + spec.To + ", which gets no requests yet"
	case api.ReleaseShifting:
		stages := release.Stages(spec.Strategy)
		stage := stages[min(int(status.Step), len(stages))-1]
		m.Step = status.Step
		m.Title = fmt.Sprintf("step %d of %d: %s", m.Step, len(stages), gets(stage, spec.To))
		m.Seconds = stage.Hold.Seconds()
		if a := spec.Strategy.Analysis; a != nil && !idle(stage) {
			m.Evidence = in.evidence(*a, stage, in.Rates[spec.Component], release.Judged(spec.Strategy))
			m.Seconds = max(m.Seconds, m.Evidence.Seconds)
		}
	case api.ReleaseDraining:
		m.Title, m.Seconds = "requests in flight to "+spec.From+" end", defaultDrain.Seconds()
		if d := spec.Strategy.Drain; d != nil {
			m.Seconds = d.Seconds()
		}
	case api.ReleaseRetiring:
		m.Title = "pods of " + spec.From + " end"
	default:
		m.Title = spec.To + " has taken the place of " + spec.From
	}
	return m
}

func gets(stage release.Stage, version string) string {
	if idle(stage) {
		return version + " is up and gets no requests"
	}
	return stage.Share() + " to " + version
}

// idle is true for a stage that brings the new version no request, so that there is nothing to judge by.
func idle(s release.Stage) bool { return s.Weight == 0 && len(s.Match) == 0 && s.Mirror == nil }
