// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// kinds of what a release stands on.
var (
	virtualService  = schema.GroupVersionKind{Group: "networking.istio.io", Version: "v1", Kind: "VirtualService"}
	destinationRule = schema.GroupVersionKind{Group: "networking.istio.io", Version: "v1", Kind: "DestinationRule"}
	service         = schema.GroupVersionKind{Version: "v1", Kind: "Service"}
	deployment      = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
)

// damages are what somebody does to an object, as merge patches. An empty one deletes it.
var damages = []struct {
	kind   schema.GroupVersionKind
	name   string
	how    string
	patch  string
	except string // phases in which this one ends the release, or in which the object is gone
}{
	{virtualService, "reviews", "deleted", "", ""},
	{virtualService, "reviews", "other weights", `{"spec": {"http": [{"route": [{"destination": {"host": "elsewhere"}}]}]}}`, ""},
	{virtualService, "reviews", "hidden from others", `{"spec": {"exportTo": ["."]}}`, ""},
	{virtualService, "reviews", "no label", `{"metadata": {"labels": {"weir.dev/application": null}}}`, ""},
	{destinationRule, "reviews", "deleted", "", ""},
	{destinationRule, "reviews", "no subsets", `{"spec": {"subsets": null}}`, ""},
	{destinationRule, "reviews", "a policy of its own", `{"spec": {"trafficPolicy": {"connectionPool": {"http": {"http1MaxPendingRequests": 1}}}}}`, ""},
	{service, "reviews", "deleted", "", ""},
	{service, "reviews", "one version alone", `{"spec": {"selector": {"version": "v1"}}}`, ""},
	{deployment, "reviews-v1", "deleted", "", "Retiring"},
	{deployment, "reviews-v1", "more pods", `{"spec": {"replicas": 3}}`, "Retiring"},
	{deployment, "reviews-v1", "other content", `{"spec": {"template": {"spec": {"initContainers": [{"name": "x", "image": "x"}]}}}}`, "Retiring"},
	{deployment, "reviews-v2", "deleted", "", "Waiting Shifting Observing Draining Retiring"},
	{deployment, "reviews-v2", "more pods", `{"spec": {"replicas": 3}}`, "Waiting"},
	{deployment, "reviews-v2", "other image", `{"spec": {"template": {"spec": {"containers": [{"name": "reviews", "image": "evil:v2"}]}}}}`, "Waiting"},
}

// TestDriftIsRepairedWithoutLosingTheStep damages everything that a release stands on, in each phase it may stand in.
func TestDriftIsRepairedWithoutLosingTheStep(t *testing.T) {
	for phase, stand := range map[api.ReleasePhase]func(*world) (resume func()){
		api.ReleaseWaiting:    standWaiting,
		api.ReleasePreparing:  standPreparing,
		api.ReleaseConnecting: standConnecting,
		api.ReleaseShifting:   standShifting,
		api.ReleaseObserving:  standObserving,
		api.ReleaseDraining:   standDraining,
		api.ReleaseRetiring:   standRetiring,
		api.ReleaseReturning:  standReturning,
	} {
		t.Run(string(phase), func(t *testing.T) {
			w := newWorld(t, nil)
			resume := stand(w)
			before := w.phase("reviews-v2", phase)
			w.carriedOut(before)
			for _, d := range damages {
				if !strings.Contains(d.except, string(phase)) {
					w.damage(d.kind, d.name, d.how, d.patch)
				}
			}
			after, err := w.release("reviews-v2")
			if err != nil {
				t.Fatal(err)
			}
			if phase != api.ReleaseDraining && after.Status.Phase != phase || after.Status.Step != before.Status.Step {
				t.Errorf("the release stands in %s, step %d (%s), not in %s, step %d", after.Status.Phase, after.Status.Step, after.Status.Message, phase, before.Status.Step)
			}
			resume()
			end, steps := api.ReleasePromoted, []int32{10, 50, 100}
			if phase == api.ReleaseReturning {
				end, steps = api.ReleaseRolledBack, []int32{10}
			}
			release := w.phase("reviews-v2", end)
			var weights []int32
			for _, s := range release.Status.Steps {
				weights = append(weights, s.Weight)
			}
			if diff := cmp.Diff(steps, weights); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

// carriedOut waits until what the release wants is there: it is decided first, and written then.
func (w *world) carriedOut(release api.Release) {
	w.Helper()
	weights := map[string]int32{}
	for _, v := range release.Status.Wanted {
		if v.Weight > 0 {
			weights[v.Version] = v.Weight
		}
		if v.Replicas > 0 {
			w.object(deployment, "reviews-"+v.Version)
		}
	}
	w.route(weights)
}

// damage does it, and waits until it is undone.
func (w *world) damage(kind schema.GroupVersionKind, name, how, patch string) {
	w.Helper()
	before := w.object(kind, name)
	var err error
	if patch == "" {
		err = w.client.Delete(w.ctx, before.DeepCopy())
	} else {
		err = w.client.Patch(w.ctx, before.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)))
	}
	if err != nil {
		w.Fatalf("%s %s, %s: %v", kind.Kind, name, how, err)
	}
	w.eventually(fmt.Sprintf("%s %s, %s: repaired", kind.Kind, name, how), func() error {
		now := &unstructured.Unstructured{}
		now.SetGroupVersionKind(kind)
		if err := w.client.Get(w.ctx, w.key(name), now); err != nil {
			return err
		}
		if patch == "" && now.GetUID() == before.GetUID() {
			return fmt.Errorf("it was not deleted")
		}
		if diff := cmp.Diff(shape(before), shape(now)); diff != "" {
			return fmt.Errorf("-before +now\n%s", diff)
		}
		return nil
	})
}

func (w *world) object(kind schema.GroupVersionKind, name string) *unstructured.Unstructured {
	w.Helper()
	out := &unstructured.Unstructured{}
	out.SetGroupVersionKind(kind)
	w.eventually(kind.Kind+" "+name, func() error { return w.client.Get(w.ctx, w.key(name), out) })
	return out
}

// shape is what of an object is to stay.
func shape(o *unstructured.Unstructured) map[string]any {
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	delete(spec, "clusterIP")
	delete(spec, "clusterIPs")
	return map[string]any{"spec": spec, "labels": o.GetLabels()}
}

// patient is a strategy whose steps wait for a word.
func patient() api.StrategySpec {
	s := quick()
	s.Steps[0].Hold.Duration = time.Hour
	return s
}

func (w *world) skip() { w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Skip = 1 }) }

func standWaiting(w *world) func() {
	s := quick()
	s.Gates = []api.Gate{{Name: "go", At: api.GateBeforeStart, Approval: &api.ApprovalGate{}}}
	w.shop(s)
	w.set("reviews:v2")
	return func() {
		w.command("reviews-v2", func(s *api.ReleaseSpec) {
			s.Approvals = append(s.Approvals, api.Approval{Gate: "go", By: "somebody", At: metav1.Now()})
		})
	}
}

func standPreparing(w *world) func() {
	var up atomic.Bool
	node.Script(w.namespace, func(version string) bool { return version != "v2" || up.Load() })
	w.shop(quick())
	w.set("reviews:v2")
	return func() {
		up.Store(true)
		if err := w.client.DeleteAllOf(w.ctx, &corev1.Pod{}, client.InNamespace(w.namespace), client.MatchingLabels{api.LabelVersion: "v2"}); err != nil {
			w.Fatal(err)
		}
	}
}

func standConnecting(w *world) func() {
	w.shop(quick())
	callers.hold(w.namespace, true)
	w.set("reviews:v2")
	return func() { callers.hold(w.namespace, false) }
}

func standShifting(w *world) func() {
	w.shop(quick())
	callers.holdIf(w.namespace, func(r mesh.Route) bool { return r.Weights["v2"] > 0 })
	w.set("reviews:v2")
	return func() { callers.hold(w.namespace, false) }
}

func standObserving(w *world) func() {
	w.shop(patient())
	w.set("reviews:v2")
	return w.skip
}

func standDraining(w *world) func() {
	s := quick()
	s.Drain.Duration = 5 * time.Second
	w.shop(s)
	w.set("reviews:v2")
	return func() {}
}

// standRetiring lets a pod of the old version take long to end.
func standRetiring(w *world) func() {
	w.shop(patient())
	hold := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"finalizers": ["test.weir.dev/slow"]}}`))
	free := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"finalizers": null}}`))
	pod := func(patch client.Patch) {
		w.eventually("pod reviews-v1-0", func() error {
			return w.client.Patch(w.ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "reviews-v1-0"}}, patch)
		})
	}
	pod(hold)
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	w.skip()
	return func() { pod(free) }
}

func standReturning(w *world) func() {
	w.shop(patient())
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	callers.hold(w.namespace, true)
	w.command("reviews-v2", func(s *api.ReleaseSpec) { s.Abort = true })
	return func() { callers.hold(w.namespace, false) }
}

// TestLostWorkloadIsTriedAgain deletes the new version's Deployment while it serves requests: they go back at once, and the
// release begins anew, since nothing was wrong with the version.
func TestLostWorkloadIsTriedAgain(t *testing.T) {
	var down atomic.Bool
	w := newWorld(t, func(version string) bool { return version != "v2" || !down.Load() })
	w.shop(patient())
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleaseObserving)
	made := w.object(deployment, "reviews-v2").GetCreationTimestamp()
	w.eventually("the clock goes on", func() error {
		if time.Since(made.Time) < 2*time.Second {
			return fmt.Errorf("it is still the same second")
		}
		return nil
	})
	down.Store(true)
	if err := w.client.Delete(t.Context(), &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "reviews-v2"}}); err != nil {
		t.Fatal(err)
	}
	first := w.phase("reviews-v2", api.ReleaseRolledBack)
	if first.Status.Reason != "Lost" || !strings.Contains(first.Status.Message, "deleted or scaled to nothing") {
		t.Errorf("reason %s: %s", first.Status.Reason, first.Status.Message)
	}
	down.Store(false)
	if err := w.client.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace(w.namespace), client.MatchingLabels{api.LabelVersion: "v2"}); err != nil {
		t.Fatal(err)
	}
	w.phase("reviews-v2-2", api.ReleaseObserving)
	w.command("reviews-v2-2", func(s *api.ReleaseSpec) { s.Skip = 1 })
	w.phase("reviews-v2-2", api.ReleasePromoted)
}

// TestRepairIsSaid looks for the event that names what was changed.
func TestRepairIsSaid(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(quick())
	w.damage(service, "reviews", "one version alone", `{"spec": {"selector": {"version": "v1"}}}`)
	w.eventually("event", func() error {
		var list eventsv1.EventList
		if err := w.client.List(w.ctx, &list, client.InNamespace(w.namespace)); err != nil {
			return err
		}
		for _, e := range list.Items {
			if e.Reason == "Repaired" && strings.Contains(e.Note, "/reviews") && strings.Contains(e.Note, "spec.selector.version") {
				return nil
			}
		}
		return fmt.Errorf("none of %d events says so", len(list.Items))
	})
}
