// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

func TestStepsToComeMayBeEdited(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(held())
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	// The time of the present step is shortened, and what follows is another way.
	w.command("reviews-v2", func(s *api.ReleaseSpec) {
		s.Strategy.Steps = []api.Step{{Weight: 10}, {Weight: 25}, {Weight: 75}}
		s.Strategy.Steps[0].Hold = &metav1.Duration{}
	})
	release := w.phase("reviews-v2", api.ReleasePromoted)
	var weights []int32
	for _, s := range release.Status.Steps {
		weights = append(weights, s.Weight)
	}
	if diff := cmp.Diff([]int32{10, 25, 75, 100}, weights); diff != "" {
		t.Errorf("weights (-want +got):\n%s", diff)
	}
}

func TestEditOfTheStrategyLeavesARunningReleaseAlone(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(held())
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	var s api.Strategy
	if err := w.client.Get(w.ctx, w.key("canary"), &s); err != nil {
		t.Fatal(err)
	}
	s.Spec = weights(42)
	if err := w.client.Update(w.ctx, &s); err != nil {
		t.Fatal(err)
	}
	w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Skip = 1 })
	release := w.phase("reviews-v2", api.ReleasePromoted)
	if len(release.Status.Steps) != 3 || release.Status.Steps[1].Weight != 50 {
		t.Errorf("steps %+v, want those it began with", release.Status.Steps)
	}
	w.set("reviews:v3")
	if release := w.phase("reviews-v3", api.ReleasePromoted); release.Status.Steps[0].Weight != 42 {
		t.Errorf("steps %+v, want those of the edited strategy", release.Status.Steps)
	}
}

func TestNonsenseHoldsTheReleaseUntilItIsPutRight(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(held())
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	edit := func(source string) {
		w.command("reviews-v2", func(s *api.ReleaseSpec) {
			s.Strategy.Steps[0].Hold = &metav1.Duration{}
			s.Strategy.Steps[1].Match = []api.Match{{Source: source}}
		})
	}
	edit("nobody")
	w.eventually("words", func() error {
		release, err := w.release("reviews-v2")
		if err == nil && !strings.Contains(release.Status.Message, "cannot be carried out · spec.strategy.steps[1].match[0].source") {
			err = fmt.Errorf("message %q", release.Status.Message)
		}
		return err
	})
	w.route(map[string]int32{"v1": 90, "v2": 10})
	edit("page")
	w.phase("reviews-v2", api.ReleasePromoted)
}

func TestNonsenseKeepsNobodyFromAborting(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(held())
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	w.command("reviews-v2", func(s *api.ReleaseSpec) {
		s.Strategy.Windows = []api.Window{{Zone: "Mars/Olympus"}}
		s.Abort = true
	})
	begin := time.Now()
	if w.phase("reviews-v2", api.ReleaseRolledBack); time.Since(begin) > 15*time.Second {
		t.Errorf("it took %s", time.Since(begin))
	}
}
