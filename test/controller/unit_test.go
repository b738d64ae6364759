// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// pair is the shop with both of its components in one unit, reviews first.
func (w *world) pair(strategy api.StrategySpec) {
	w.Helper()
	w.shop(strategy)
	w.change("shop", func(s *api.ApplicationSpec) {
		s.Components[0].Strategy = "canary"
		s.Together = []api.Together{{Name: "all", Components: []string{"reviews", "page"}}}
	})
}

// both changes the images of both components at once.
func (w *world) both(page, reviews string) {
	w.Helper()
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[0].Image, s.Components[1].Image = page, reviews })
}

// releases are all there are, as name phase reason.
func (w *world) releases() []string {
	w.Helper()
	var list api.ReleaseList
	if err := w.client.List(w.ctx, &list, client.InNamespace(w.namespace)); err != nil {
		w.Fatal(err)
	}
	var out []string
	for _, r := range list.Items {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Name, r.Status.Phase, r.Status.Reason)))
	}
	slices.Sort(out)
	return out
}

// ends waits until these releases are there, and no others.
func (w *world) ends(want ...string) {
	w.Helper()
	w.eventually("the end", func() error {
		if diff := cmp.Diff(want, w.releases(), cmpopts.EquateEmpty()); diff != "" {
			return fmt.Errorf("releases (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestUnitMovesAsOne(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(quick())
	w.both("page:v2", "reviews:v2")
	w.ends("page-v2 Promoted", "reviews-v2 Promoted")
	page, reviews := w.phase("page-v2", api.ReleasePromoted), w.phase("reviews-v2", api.ReleasePromoted)
	want := &api.Unit{Name: "all", Releases: []string{"reviews-v2", "page-v2"}}
	if diff := cmp.Diff([]*api.Unit{want, want}, []*api.Unit{page.Spec.Unit, reviews.Spec.Unit}); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	for i, first := range reviews.Status.Steps {
		if second := page.Status.Steps[i]; first.VerifiedAt == nil || second.WantedAt.Time.Before(first.VerifiedAt.Time) {
			t.Errorf("step %d: page was told at %s, before callers served reviews at %v", i+1, second.WantedAt, first.VerifiedAt)
		}
		if i+1 < len(reviews.Status.Steps) && reviews.Status.Steps[i+1].WantedAt.Time.Before(page.Status.Steps[i].PassedAt.Time) {
			t.Errorf("step %d of reviews began before page had passed step %d", i+2, i+1)
		}
	}
}

func TestOnlyWhatChangesIsReleased(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(quick())
	w.set("reviews:v2")
	if release := w.phase("reviews-v2", api.ReleasePromoted); release.Spec.Unit != nil {
		t.Errorf("a unit of one: %+v", release.Spec.Unit)
	}
	w.ends("reviews-v2 Promoted")
}

func TestUnitGoesBackAsOneAndIsTriedAgainAsOne(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(quick())
	callers.sawOf(w.namespace, "reviews", mesh.Sample{Requests: 1000, Failed: 50})
	w.both("page:v2", "reviews:v2")
	// Reviews get their share first, and fail.
	w.ends("page-v2 RolledBack Unit", "reviews-v2 RolledBack Unhealthy")
	callers.sawOf(w.namespace, "reviews", mesh.Sample{Requests: 1000})
	w.command("page-v2", func(s *api.ReleaseSpec) { s.Retry = true })
	w.ends("page-v2 RolledBack Unit", "page-v2-2 Promoted", "reviews-v2 RolledBack Unhealthy")
	// What was sent back through no fault of its own goes along with what is better than before.
	w.set("reviews:v3")
	w.ends("page-v2 RolledBack Unit", "page-v2-2 Promoted", "reviews-v2 RolledBack Unhealthy", "reviews-v3 Promoted")
}

func TestInnocentGoesAlongWithTheCured(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(quick())
	callers.sawOf(w.namespace, "reviews", mesh.Sample{Requests: 1000, Failed: 50})
	w.both("page:v2", "reviews:v2")
	w.ends("page-v2 RolledBack Unit", "reviews-v2 RolledBack Unhealthy")
	callers.sawOf(w.namespace, "reviews", mesh.Sample{Requests: 1000})
	w.set("reviews:v3")
	w.ends("page-v2 RolledBack Unit", "page-v2-2 Promoted", "reviews-v2 RolledBack Unhealthy", "reviews-v3 Promoted")
	if release := w.phase("page-v2-2", api.ReleasePromoted); release.Spec.Unit == nil {
		t.Error("they did not go as one")
	}
}

// held keeps the first step for an hour.
func held() api.StrategySpec {
	s := quick()
	s.Steps[0].Hold.Duration = time.Hour
	return s
}

func TestNewerVersionOfOneTurnsTheUnitAndBeginsAnother(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(held())
	w.both("page:v2", "reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	w.set("reviews:v3")
	second := w.phase("reviews-v3", api.ReleaseObserving)
	if second.Spec.From != "v1" {
		t.Errorf("v3 follows %s, want v1", second.Spec.From)
	}
	want := &api.Unit{Name: "all", Releases: []string{"reviews-v3", "page-v2-2"}}
	if diff := cmp.Diff(want, second.Spec.Unit); diff != "" {
		t.Errorf("unit (-want +got):\n%s", diff)
	}
}

func TestChangeOfAnotherWaitsForTheOneUnderWay(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(held())
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	w.both("page:v2", "reviews:v2")
	w.eventually("words", func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		if app.Status.Release != "page v2 waits for reviews, reviews v1→v2" {
			return fmt.Errorf("release: %s", app.Status.Release)
		}
		return nil
	})
	w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Promote = true })
	w.whenThere("page-v2", func(s *api.ReleaseSpec) { s.Promote = true })
	w.ends("page-v2 Promoted", "reviews-v2 Promoted")
}

// whenThere commands a release as soon as there is one.
func (w *world) whenThere(name string, change func(*api.ReleaseSpec)) {
	w.Helper()
	w.eventually("release "+name, func() error { _, err := w.release(name); return err })
	w.command(name, change)
}

func TestUnitThatLostAReleaseIsCompleted(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(held())
	w.both("page:v2", "reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	// As after a crash between the two: it is made anew, and takes its place.
	lost, err := w.release("page-v2")
	if err == nil {
		err = w.client.Delete(w.ctx, &lost)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("made anew", func() error {
		again, err := w.release("page-v2")
		if err == nil && (again.UID == lost.UID || again.Spec.Unit == nil) {
			err = fmt.Errorf("it is the old one, or on its own")
		}
		return err
	})
	w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Abort = true })
	w.ends("page-v2 RolledBack Unit", "reviews-v2 RolledBack Aborted")
}

func TestUnitThatWasNeverWholeIsDropped(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(quick())
	// The making of the unit was interrupted, and the spec has changed since: nobody will ask for page v9 again.
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Image, s.Components[1].Strategy = "reviews:v2", "none" })
	w.eventually("refusal", func() error {
		if c, err := w.applied("shop"); err != nil || c.Status != metav1.ConditionFalse {
			return fmt.Errorf("%+v %v", c, err)
		}
		return nil
	})
	var app api.Application
	if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
		t.Fatal(err)
	}
	half := &api.Release{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: "reviews-half", Labels: map[string]string{api.LabelApplication: "shop", api.LabelComponent: "reviews"},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(&app, api.GroupVersion.WithKind("Application"))},
	}}
	half.Spec = api.ReleaseSpec{
		Application: "shop", Component: "reviews", From: "v1", To: "v2",
		Unit: &api.Unit{Name: "all", Releases: []string{"page-v9", "reviews-half"}},
	}
	if err := w.client.Create(w.ctx, half); err != nil {
		t.Fatal(err)
	}
	w.ends()
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Strategy = "canary" })
	w.ends("reviews-v2 Promoted")
}

func TestUnitNeedsStepsOfOneNumber(t *testing.T) {
	w := newWorld(t, nil)
	w.pair(quick())
	other := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "other"}}
	if err := w.client.Create(w.ctx, other); err != nil {
		t.Fatal(err)
	}
	w.change("shop", func(s *api.ApplicationSpec) {
		s.Components[0].Strategy, s.Components[0].Image, s.Components[1].Image = "other", "page:v2", "reviews:v2"
	})
	w.eventually("refusal", func() error {
		c, err := w.applied("shop")
		if err == nil && !strings.Contains(c.Message, "spec.together[all]: reviews is released in 3 steps and page in 1") {
			err = fmt.Errorf("%+v", c)
		}
		return err
	})
	if got := w.releases(); len(got) > 0 {
		t.Errorf("releases %v", got)
	}
}
