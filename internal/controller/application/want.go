// SPDX-License-Identifier: Apache-2.0

package application

import (
	"fmt"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/revision"
	"weir.dev/weir/internal/plan/takeover"
	"weir.dev/weir/internal/release/standing"
)

// want is what a component should be, as far as the spec, the revisions and the releases tell.
type want struct {
	component api.Component
	// resolved is the component with copies in place of the ConfigMaps and Secrets it names; copies are those it takes.
	resolved api.Component
	copies   []config.Copy
	// missing says what the spec names and is not there. Until it is, the desired version is what it was before.
	missing error
	// stands tells where it stands between its releases; desired, current and newest are from there.
	stands           standing.Standing
	desired, current string
	newest           *api.Release
	// versions is what the planner is to make.
	versions []api.VersionWanted
	// uses is what any version with pods calls, used what it was ever said to call.
	uses, used []string
}

// decide derives the want of one component. It is a function of the snapshot alone.
func decide(s snapshot, c api.Component) want {
	w := want{component: c}
	if w.resolved, w.copies, w.missing = config.Resolve(c, s.contents); w.missing == nil {
		w.desired = revision.Version(w.resolved, s.revisions[c.Name])
	} else if w.desired = before(s, c); w.desired == "" {
		return w
	}
	w.stands = s.history().Of(c, w.desired)
	w.current, w.newest = w.stands.Current, w.stands.Newest
	w.versions = []api.VersionWanted{{Version: w.current, Replicas: c.Pods(), Subset: c.SideBySide(), Weight: 100}}
	if w.moves() && len(w.newest.Status.Wanted) > 0 {
		w.versions = w.newest.Status.Wanted
	}
	return w
}

// history is what is known of the application's past.
func (s snapshot) history() standing.History {
	return standing.History{Application: s.app, Revisions: s.revisions, Releases: s.releases}
}

// moves tells whether a release is under way that has begun to move: before that nothing is asked of the old version.
func (w want) moves() bool { return w.stands.Moves() }

// underWay tells whether a release has not ended.
func (w want) underWay() bool { return w.stands.UnderWay() }

// needsRelease tells whether a new release has to begin.
func (w want) needsRelease() bool { return w.missing == nil && w.stands.Begins() }

// rejected tells whether the version that is asked for went back already.
func (w want) rejected() bool { return w.stands.Rejected() }

// before is the version that was desired when the spec could last be followed; empty when it never could.
func before(s snapshot, c api.Component) string {
	for _, status := range s.app.Status.Components {
		if _, kept := s.revisions[c.Name][status.Desired]; status.Name == c.Name && kept {
			return status.Desired
		}
	}
	if releases := s.releases[c.Name]; len(releases) > 0 {
		return releases[len(releases)-1].Spec.To
	}
	return ""
}

// input turns the wants into what the planner reads.
func (r *Reconciler) input(s snapshot, wants []want) (plan.Input, error) {
	in := plan.Input{Application: s.app, Gateway: r.Gateway, Neighbors: plan.Neighbors{
		GatewayPrincipals: plan.Principals(s.gateway.Accounts), GatewayPorts: s.gateway.Ports, Mesh: r.Mesh,
		Callers: s.callers, Certificates: s.certificates, Elsewhere: plan.Elsewhere(s.app, s.rivals),
	}}
	for _, w := range wants {
		c := plan.Component{
			Spec: w.component, Wanted: w.versions, Uses: w.uses, Used: w.used, Versions: map[string]api.Component{}, Counted: s.counted(w),
			Inherits: s.inherits(w), Kept: takeover.KeptPorts(s.app, w.component.Name), NamedBy: takeover.NamedBy(s.app, w.component.Name),
		}
		for _, v := range w.versions {
			frozen, ok := s.revisions[w.component.Name][v.Version]
			if !ok {
				return plan.Input{}, fmt.Errorf("component %s: nothing is known of version %s; its ControllerRevision was deleted", w.component.Name,
					v.Version)
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
