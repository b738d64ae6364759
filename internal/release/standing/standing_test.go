// SPDX-License-Identifier: Apache-2.0

package standing_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
	"weir.dev/weir/internal/release/standing"
)

func past(to string, phase api.ReleasePhase, reason string) api.Release {
	r := api.Release{Spec: api.ReleaseSpec{Component: "reviews", From: "v1", To: to}}
	r.Name, r.Status.Phase, r.Status.Reason = "reviews-"+to, phase, reason
	return r
}

func TestStanding(t *testing.T) {
	retried := past("v2", api.ReleaseRolledBack, release.ReasonUnhealthy)
	retried.Spec.Retry = true
	ofUnit := past("v2", api.ReleaseRolledBack, release.ReasonUnit)
	ofUnit.Spec.Unit = &api.Unit{Releases: []string{"reviews-v2", "page-v2"}}
	page := func(reason string) api.Release {
		r := past("v2", api.ReleaseRolledBack, reason)
		r.Name, r.Spec.Component = "page-v2", "page"
		return r
	}
	lost := past("v2", api.ReleaseRolledBack, release.ReasonLost)
	for name, c := range map[string]struct {
		desired  string
		releases []api.Release
		page     []api.Release
		kind     api.Kind
		// known is the current version that the status tells.
		known   string
		current string
		begins  bool
		follows bool
	}{
		"new":                                {desired: "v1", current: "v1"},
		"never released":                     {desired: "v2", known: "v1", current: "v1", begins: true},
		"the status names a version unknown": {desired: "v2", known: "v0", current: "v2"},
		"promoted":                           {desired: "v2", releases: []api.Release{past("v2", api.ReleasePromoted, "")}, current: "v2"},
		"promoted, another follows":          {desired: "v3", releases: []api.Release{past("v2", api.ReleasePromoted, "")}, current: "v2", begins: true},
		"under way":                          {desired: "v2", releases: []api.Release{past("v2", api.ReleaseObserving, "")}, current: "v1"},
		"under way, another is asked for":    {desired: "v3", releases: []api.Release{past("v2", api.ReleaseObserving, "")}, current: "v1", follows: true},
		"under way, the old one again":       {desired: "v1", releases: []api.Release{past("v2", api.ReleaseObserving, "")}, current: "v1"},
		"rolled back":                        {desired: "v2", releases: []api.Release{past("v2", api.ReleaseRolledBack, release.ReasonUnhealthy)}, current: "v1"},
		"rolled back, retried":               {desired: "v2", releases: []api.Release{retried}, current: "v1", begins: true},
		"rolled back, another":               {desired: "v3", releases: []api.Release{past("v2", api.ReleaseRolledBack, release.ReasonUnhealthy)}, current: "v1", begins: true},
		"gave way, asked for again":          {desired: "v2", releases: []api.Release{past("v2", api.ReleaseRolledBack, release.ReasonSuperseded)}, current: "v1", begins: true},
		"went back with one that gave way":   {desired: "v2", releases: []api.Release{ofUnit}, page: []api.Release{page(release.ReasonSuperseded)}, current: "v1", begins: true},
		"went back with one that failed":     {desired: "v2", releases: []api.Release{ofUnit}, page: []api.Release{page(release.ReasonUnhealthy)}, current: "v1"},
		"pods were taken away":               {desired: "v2", releases: []api.Release{lost}, current: "v1", begins: true},
		"pods were taken away again":         {desired: "v2", releases: []api.Release{lost, lost}, current: "v1"},
		"not side by side":                   {desired: "v2", known: "v1", kind: api.StatefulSet, current: "v2"},
	} {
		t.Run(name, func(t *testing.T) {
			app := &api.Application{Status: api.ApplicationStatus{Components: []api.ComponentStatus{{Name: "reviews", Current: c.known}}}}
			h := standing.History{
				Application: app, Revisions: map[string]map[string]api.Component{"reviews": {"v1": {}, "v2": {}}},
				Releases: map[string][]api.Release{"reviews": c.releases, "page": c.page},
			}
			s := h.Of(api.Component{Name: "reviews", Kind: c.kind}, c.desired)
			if s.Current != c.current || s.Begins() != c.begins || s.Follows() != c.follows {
				t.Errorf("current %s, begins %v, follows %v; want %s, %v, %v", s.Current, s.Begins(), s.Follows(), c.current, c.begins, c.follows)
			}
		})
	}
}

func TestWaitsFor(t *testing.T) {
	under := past("v2", api.ReleaseObserving, "")
	page := standing.Standing{Component: api.Component{Name: "page"}, Desired: "v2", Current: "v1", Newest: &under}
	reviews := standing.Standing{Component: api.Component{Name: "reviews"}, Desired: "v3", Current: "v2"}
	unit := []standing.Standing{page, reviews}
	if got := reviews.WaitsFor(unit); got != "page" {
		t.Errorf("reviews wait for %q, want page", got)
	}
	if got := page.WaitsFor(unit); got != "" {
		t.Errorf("page, which is under way, waits for %q", got)
	}
}

func TestOlder(t *testing.T) {
	at := func(s int64) metav1.Time { return metav1.NewTime(time.Unix(s, 0)) }
	ended := func(name string, made, finished int64) api.Release {
		r := past(name, api.ReleasePromoted, "")
		r.CreationTimestamp, r.Status.FinishedAt = at(made), &metav1.MicroTime{Time: time.Unix(finished, 0)}
		return r
	}
	retried := past("a", api.ReleaseObserving, "")
	retried.CreationTimestamp = at(1)
	all := []api.Release{retried, ended("b", 2, 9), ended("c", 3, 8), ended("d", 3, 8)}
	slices.SortFunc(all, standing.Older)
	var order string
	for _, r := range all {
		order += r.Spec.To
	}
	if order != "cdba" {
		t.Errorf("order %s, want those that ended by when they did, and what is under way last", order)
	}
}
