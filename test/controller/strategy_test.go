// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"strings"
	"testing"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// strategy makes one, which goes with the test.
func (w *world) strategy(namespace, name string, spec api.StrategySpec) *api.Strategy {
	w.Helper()
	s := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
	if err := w.client.Create(w.ctx, s); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = w.client.Delete(w.Context(), s) })
	return s
}

// says waits until the application's condition has the status and the words.
func (w *world) says(kind string, status metav1.ConditionStatus, words string) {
	w.Helper()
	w.eventually(kind, func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		c := apimeta.FindStatusCondition(app.Status.Conditions, kind)
		if c == nil || c.ObservedGeneration != app.Generation || c.Status != status || !strings.Contains(c.Message, words) {
			return fmt.Errorf("want %s with %q, got %+v", status, words, c)
		}
		return nil
	})
}

// uses lets reviews name the strategy.
func (w *world) uses(strategy string) {
	w.Helper()
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Strategy = strategy })
}

// accepted waits until the strategy's status says so, with the words and the users.
func (w *world) accepted(key client.ObjectKey, status metav1.ConditionStatus, words string, users ...string) {
	w.Helper()
	w.eventually("strategy "+key.Name, func() error {
		var s api.Strategy
		if err := w.client.Get(w.ctx, key, &s); err != nil {
			return err
		}
		c := apimeta.FindStatusCondition(s.Status.Conditions, api.ConditionAccepted)
		if c == nil || c.Status != status || !strings.Contains(c.Message, words) || c.ObservedGeneration != s.Generation {
			return fmt.Errorf("want %s with %q, got %+v", status, words, c)
		}
		if strings.Join(s.Status.UsedBy, " ") != strings.Join(users, " ") || int(s.Status.Components) != len(users) {
			return fmt.Errorf("want it used by %v, got %v of %d", users, s.Status.UsedBy, s.Status.Components)
		}
		return nil
	})
}

func weights(all ...int32) api.StrategySpec {
	s := api.StrategySpec{Drain: &metav1.Duration{}}
	for _, w := range all {
		s.Steps = append(s.Steps, api.Step{Weight: w})
	}
	return s
}

func TestTemplateIsMeantWhereTheNamespaceHasNone(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	template := w.strategy(templates, "lent", weights(20))
	w.uses("lent")
	w.accepted(client.ObjectKeyFromObject(template), metav1.ConditionTrue, "", w.namespace+"/shop/reviews")
	w.set("reviews:v2")
	release := w.phase("reviews-v2", api.ReleasePromoted)
	if release.Status.Steps[0].Weight != 20 {
		t.Errorf("steps %+v, want those of the template", release.Status.Steps)
	}
	// A Strategy of the namespace goes first, at once.
	own := w.strategy(w.namespace, "lent", weights(30))
	w.set("reviews:v3")
	release = w.phase("reviews-v3", api.ReleasePromoted)
	if release.Status.Steps[0].Weight != 30 {
		t.Errorf("steps %+v, want those of the namespace's own", release.Status.Steps)
	}
	w.accepted(client.ObjectKeyFromObject(own), metav1.ConditionTrue, "", "shop/reviews")
	w.accepted(client.ObjectKeyFromObject(template), metav1.ConditionTrue, "")
	if err := w.client.Delete(w.ctx, own); err != nil {
		t.Fatal(err)
	}
	w.accepted(client.ObjectKeyFromObject(template), metav1.ConditionTrue, "", w.namespace+"/shop/reviews")
}

func TestMissingStrategyTellsThoseThereAre(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	w.strategy(templates, "common", weights(20))
	w.uses("cannary")
	words := `spec.components[reviews].strategy: there is no Strategy "cannary"; there are canary, common`
	w.says(api.ConditionStrategies, metav1.ConditionFalse, words)
	w.says(api.ConditionReady, metav1.ConditionTrue, "") // nothing is to be released
	w.set("reviews:v2")
	w.says(api.ConditionReady, metav1.ConditionFalse, words)
	w.ends()
	w.strategy(w.namespace, "cannary", weights(20))
	w.phase("reviews-v2", api.ReleasePromoted)
	w.says(api.ConditionStrategies, metav1.ConditionTrue, "")
	w.says(api.ConditionReady, metav1.ConditionTrue, "")
}

func TestStrategyThatCannotBeCarriedOutIsToldByField(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	wrong := weights(10, 20)
	wrong.Steps[1].Match = []api.Match{{Source: "nobody"}}
	made := w.strategy(w.namespace, "wrong", wrong)
	w.accepted(w.key("wrong"), metav1.ConditionTrue, "") // for somebody it may be right
	w.accepted(w.key("canary"), metav1.ConditionTrue, "", "shop/reviews")
	w.uses("wrong")
	w.accepted(w.key("wrong"), metav1.ConditionFalse, "for shop/reviews: spec.steps[1].match[0].source", "shop/reviews")
	w.accepted(w.key("canary"), metav1.ConditionTrue, "")
	w.says(api.ConditionStrategies, metav1.ConditionFalse, `the Strategy "wrong" cannot be carried out: spec.steps[1].match[0].source`)
	w.set("reviews:v2")
	w.says(api.ConditionReady, metav1.ConditionFalse, "spec.steps[1].match[0].source")
	w.ends()
	patch := client.MergeFrom(made.DeepCopy())
	made.Spec = weights(10)
	if err := w.client.Patch(w.ctx, made, patch); err != nil {
		t.Fatal(err)
	}
	w.phase("reviews-v2", api.ReleasePromoted)
	w.accepted(w.key("wrong"), metav1.ConditionTrue, "", "shop/reviews")
}

func TestStrategyThatIsWrongForEverybodyIsTold(t *testing.T) {
	w := newWorld(t, nil)
	wrong := weights(10)
	wrong.Windows = []api.Window{{Zone: "Mars/Olympus"}}
	w.strategy(w.namespace, "wrong", wrong)
	w.accepted(w.key("wrong"), metav1.ConditionFalse, "spec.windows[0].zone")
}
