// SPDX-License-Identifier: Apache-2.0

// Package preview says before the fact what a change of an Application would do: which releases would begin, what each of
// their steps would write, how many pods there would be at the most, how long it would take, and what would be wrong.
package preview

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/conflict"
)

// Input is all that a preview is made from. It is not changed.
type Input struct {
	// Now is the Application as the cluster has it; nil when there is none yet.
	Now *api.Application
	// Then is the Application as it would be, with the defaults of the API server.
	Then *api.Application
	// Revisions is the kept content of versions, by component and version.
	Revisions map[string]map[string]api.Component
	// Releases are those of the Application, the newest last.
	Releases []api.Release
	// Contents are those of the ConfigMaps and Secrets that Now and Then name; nil leaves them out of account.
	Contents config.Contents
	// Pods of its StatefulSets, by component, in which a version that was taken over is told.
	Pods map[string][]corev1.Pod
	// Conflicts are the routes and rules of others for what the components are called by.
	Conflicts []conflict.Conflict
	// Notes are handed on.
	Notes []string
	// Strategies by name, as they would be.
	Strategies map[string]api.StrategySpec
	// Named says which strategies there are, for when one is missing; may be empty.
	Named string
	// Gateway selects the pods of the ingress gateway. Default: istio=ingressgateway.
	Gateway map[string]string
	// Neighbors is what else there is in the mesh.
	Neighbors plan.Neighbors
	// Rates are the requests a second that components get now, as far as they are known.
	Rates map[string]float64
	// Ready is how long pods take to become ready. Default: 20s.
	Ready time.Duration
	// Errors is the share of requests that fail now, in percent, and Notice by how many percentage points more a version has
	// to be worse than it may be for a verdict to notice it. Defaults: 0.1 and 1.
	Errors, Notice float64
}

// Preview is what a change would do.
type Preview struct {
	Namespace   string `json:"namespace"`
	Application string `json:"application"`
	// Changes are made at once, since no version is touched by them.
	Changes []Change `json:"changes,omitempty"`
	// Releases that would begin.
	Releases []Release `json:"releases,omitempty"`
	// PodsNow, and PodsAtMost while all the releases go on.
	PodsNow    int32 `json:"podsNow"`
	PodsAtMost int32 `json:"podsAtMost"`
	// Notes are worth knowing, Faults have to be put right first.
	Notes  []string `json:"notes,omitempty"`
	Faults []string `json:"faults,omitempty"`
	// Conflicts keep releases waiting until somebody else gives way.
	Conflicts []string `json:"conflicts,omitempty"`
}

// Release is one that would begin.
type Release struct {
	Component string `json:"component"`
	From      string `json:"from"`
	To        string `json:"to"`
	// Strategy is its name; empty when the component names none.
	Strategy string           `json:"strategy,omitempty"`
	Type     api.StrategyType `json:"type,omitempty"`
	// Moments are what happens, one after the other.
	Moments []Moment `json:"moments"`
	// Seconds are how long all of it takes when nothing is waited for but pods, time and requests.
	Seconds float64 `json:"seconds"`
	// Pods of the component now and at the most.
	PodsNow    int32 `json:"podsNow"`
	PodsAtMost int32 `json:"podsAtMost"`
	// Rate is how many requests a second the component gets now; 0 when that is not known.
	Rate float64 `json:"rate,omitempty"`
}

// Moment is a state that the release asks of the cluster.
type Moment struct {
	Phase api.ReleasePhase `json:"phase"`
	Title string           `json:"title"`
	// Step is its number; 0 outside of steps.
	Step int32 `json:"step,omitempty"`
	// Seconds it lasts at least.
	Seconds float64 `json:"seconds"`
	// Evidence is what a step has to prove; nil when it is not judged.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Pods of the component.
	Pods    int32    `json:"pods"`
	Changes []Change `json:"changes,omitempty"`
}

// Of returns what the change from Now to Then would do. It fails when the content of a version that carries traffic is not
// known.
func Of(in Input) (Preview, error) {
	in = in.withDefaults()
	out := Preview{Namespace: in.Then.Namespace, Application: in.Then.Name, Notes: in.Notes}
	for _, c := range in.Conflicts {
		out.Conflicts = append(out.Conflicts, c.String()+"; "+c.Do())
	}
	plans := make([]prospect, 0, len(in.Then.Spec.Components))
	for _, c := range in.Then.Spec.Components {
		s := in.prospect(c)
		plans = append(plans, s)
		out.Notes = append(out.Notes, s.notes...)
		out.Faults = append(out.Faults, s.faults...)
	}
	before, err := in.objects(in.Now, nil)
	if err != nil {
		return Preview{}, err
	}
	after, err := in.objects(in.Then, nil)
	if err != nil {
		return Preview{}, err
	}
	out.Faults = append(out.Faults, faults("", after)...)
	if out.Changes, err = changes(before, after); err != nil {
		return Preview{}, err
	}
	out.PodsNow, out.PodsAtMost = pods(before), pods(after)
	for _, s := range plans {
		if !s.begins {
			continue
		}
		r, faults, err := in.release(s, after)
		if err != nil {
			return Preview{}, err
		}
		out.Releases = append(out.Releases, r)
		for _, fault := range faults {
			if !slices.ContainsFunc(out.Faults, func(said string) bool { return strings.HasSuffix(fault, said) }) {
				out.Faults = append(out.Faults, fault)
			}
		}
		out.PodsAtMost += r.PodsAtMost - r.PodsNow
	}
	return out, nil
}

func (in Input) withDefaults() Input {
	if in.Ready == 0 {
		in.Ready = 20 * time.Second
	}
	if in.Errors == 0 {
		in.Errors = 0.1
	}
	if in.Notice == 0 {
		in.Notice = 1
	}
	return in
}
