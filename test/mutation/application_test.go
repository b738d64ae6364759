// SPDX-License-Identifier: Apache-2.0

//go:build api

package mutation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/test/mutant"
	"weir.dev/weir/test/world"
)

const (
	// promise is after how long an application has settled, but for one write of a hundred: other tests may want the machine.
	promise = 5 * time.Second
	// end is after how long there is no hope that it settles, or is as it was.
	end = time.Minute
	// workers is how many namespaces there are of each state in the full form, and side how many are written to side by side.
	workers, side = 4, 4
	// perField is how many of the ways to write a field are tried in each state; other states try others.
	perField = 2
	// oneOf is the share of that which the short form tries.
	oneOf = 40
	// least is how many transitions the full form has to come to.
	least = 2000
)

// extras are what the components of package mutant do not say.
const extras = `
revisionHistoryLimit: 5
scopeFromUses: true
accessFromUses: true
callers: [far/front]
together: [{name: all, components: [page, reviews]}]`

// tally is what came of all transitions.
type tally struct {
	mu      sync.Mutex
	refused int
	// settled, and taken back, after so long.
	settled, back []time.Duration
}

func (t *tally) refuse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused++
}

func (t *tally) accept(settled, back time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settled, t.back = append(t.settled, settled), append(t.back, back)
}

// tell says what came of it all, and fails when it is too little, or took too long.
func (t *tally) tell(test *testing.T) {
	test.Helper()
	all := t.refused + len(t.settled)
	test.Logf("%d transitions: %d refused with their field, %d accepted and taken back", all, t.refused, len(t.settled))
	for what, took := range map[string][]time.Duration{"settled": t.settled, "as before": t.back} {
		if n := len(took); n > 0 {
			slices.Sort(took)
			test.Logf("%s after %s at p50, %s at p99, %s at the most", what, took[n/2], took[n*99/100], took[n-1])
		}
	}
	if n := len(t.settled); n > 0 && t.settled[(n-1)*99/100] > promise {
		test.Errorf("settled after %s at p99, want %s", t.settled[(n-1)*99/100], promise)
	}
	if full && all < least {
		test.Errorf("%d transitions, want %d", all, least)
	}
}

// TestApplicationFields writes every field of an Application in every way, in every state it can be in. Each is refused with
// its field, or the application settles and says how it is; and when it is taken back, all that was made is as before.
func TestApplicationFields(t *testing.T) {
	schema := specOf(t, "applications")
	sum := &tally{}
	turns := make(chan struct{}, side)
	t.Run("in", func(t *testing.T) {
		for n, s := range standings {
			for worker := range worlds() {
				t.Run(fmt.Sprintf("%s/%d", s.name, worker), func(t *testing.T) {
					t.Parallel()
					turns <- struct{}{}
					defer func() { <-turns }()
					mutate(t, n, worker, schema, sum)
				})
			}
		}
	})
	sum.tell(t)
}

// worlds is how many namespaces there are of each state.
func worlds() int {
	if full {
		return workers
	}
	return 1
}

// chosen are the writes that are tried in the n-th state by the worker: some of each field, others in other states.
func chosen(all []mutant.Mutant, n, worker int) []mutant.Mutant {
	byField := map[string][]mutant.Mutant{}
	for _, m := range all {
		byField[m.Path] = append(byField[m.Path], m)
	}
	var out []mutant.Mutant
	for _, path := range slices.Sorted(maps.Keys(byField)) {
		ways := byField[path]
		for i := range min(perField, len(ways)) {
			out = append(out, ways[(n*perField+i)%len(ways)])
		}
	}
	step := oneOf
	if full {
		step = workers
	}
	var own []mutant.Mutant
	for i := (n + worker) % step; i < len(out); i += step {
		own = append(own, out[i])
	}
	return own
}

// mutate writes what the worker is to try in the n-th state, in a namespace of its own.
func mutate(t *testing.T, n, worker int, schema mutant.Schema, sum *tally) {
	s := standings[n]
	w, stop := begin(t, s)
	defer stop()
	base := specNow(t, w)
	before, err := children(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range chosen(mutant.Of(base, schema), n, worker) {
		if s.again != nil {
			if err := s.again(t.Context(), w); err != nil {
				t.Fatalf("before %s: %v", m, err)
			}
		}
		begun := time.Now()
		err := put(t.Context(), w, m.Spec)
		if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
			sum.refuse()
			if !names(err.Error(), m.Path) {
				t.Errorf("%s: refused without a word about the field: %v", m, err)
			}
			continue
		}
		if err == nil {
			err = within(t, func() error { return settled(t.Context(), w, s) })
		}
		if err != nil {
			t.Errorf("%s: %v", m, err)
		}
		took := time.Since(begun)
		if took > promise {
			t.Logf("%s: settled after %s", m, took)
		}
		if err := back(t, w, s, base, before); err != nil {
			t.Fatalf("%s was taken back: %v", m, err)
		}
		sum.accept(took, time.Since(begun)-took)
	}
}

// back takes the write back, and waits until all is as it was.
func back(t *testing.T, w *world.World, s standing, base map[string]any, before map[string]string) error {
	t.Helper()
	if err := put(t.Context(), w, base); err != nil {
		return err
	}
	return within(t, func() error {
		after, err := children(t.Context(), w)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(before, after); diff != "" {
			return fmt.Errorf("not as before (-before +after):\n%s", diff)
		}
		return settled(t.Context(), w, s)
	})
}

// within waits until check is content.
func within(t *testing.T, check func() error) error {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, end, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("not within %s: %w", end, last)
	}
	return nil
}

// begin brings an application that says something in every field into the state.
func begin(t *testing.T, s standing) (*world.World, func()) {
	t.Helper()
	ctx := t.Context()
	w, err := world.New(ctx, config, direct)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := w.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.begin(ctx, w); err != nil {
		stop()
		t.Fatalf("%v\nthe controllers said: %s", err, strings.Join(said.about(w.Namespace), "\n"))
	}
	return w, stop
}

func (s standing) begin(ctx context.Context, w *world.World) error {
	strategy := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "quick"}}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "shop"}}
	err := errors.Join(yaml.UnmarshalStrict([]byte(s.strategy), &strategy.Spec),
		yaml.UnmarshalStrict([]byte("components:\n"+mutant.Components+extras), &app.Spec))
	// The gateway is one for all namespaces.
	app.Spec.Components[0].Expose.Hosts = []string{w.Namespace + ".example"}
	if s.change != nil {
		s.change(app)
	}
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "settings"}, Data: map[string]string{"a": "b"}}
	for _, step := range []func() error{
		func() error { return err },
		func() error { return direct.Create(ctx, settings) },
		func() error { return direct.Create(ctx, strategy) },
		func() error { return orNothing(s.prepare)(ctx, w) },
		func() error { return direct.Create(ctx, app) },
		func() error { return taken(ctx, w) },
		func() error { return w.Ready(ctx) },
		func() error { return orNothing(s.enter)(ctx, w) },
		func() error { return w.Eventually(ctx, func() error { return settled(ctx, w, s) }) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func orNothing(f func(context.Context, *world.World) error) func(context.Context, *world.World) error {
	if f == nil {
		return func(context.Context, *world.World) error { return nil }
	}
	return f
}

func specNow(t *testing.T, w *world.World) map[string]any {
	t.Helper()
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(api.GroupVersion.WithKind("Application"))
	if err := direct.Get(t.Context(), w.Key("shop"), o); err != nil {
		t.Fatal(err)
	}
	return o.Object["spec"].(map[string]any)
}

// put writes the spec as a user does, whatever the controllers write meanwhile.
func put(ctx context.Context, w *world.World, spec map[string]any) error {
	text, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/spec", "value": spec}})
	if err != nil {
		return err
	}
	o := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "shop"}}
	return direct.Patch(ctx, o, client.RawPatch(types.JSONPatchType, text), client.FieldValidation("Strict"))
}

// settled is nil when the controllers have said how it is: all is ready, or a release goes on and says what it waits for, or
// a condition names the field that keeps it back. Of one that is deleted nothing is made.
func settled(ctx context.Context, w *world.World, s standing) error {
	if s.gone {
		return none(ctx, w)
	}
	var app api.Application
	if err := direct.Get(ctx, w.Key("shop"), &app); err != nil {
		return err
	}
	if app.Status.ObservedGeneration != app.Generation {
		return errors.New("the controller has not seen it")
	}
	if applied := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionApplied); applied == nil || applied.Status != metav1.ConditionTrue {
		if applied != nil && strings.Contains(applied.Message, "spec.") && !strings.Contains(applied.Message, "is invalid: ") {
			return nil
		}
		return fmt.Errorf("it was not applied: %+v", applied)
	}
	var releases api.ReleaseList
	if err := direct.List(ctx, &releases, client.InNamespace(w.Namespace)); err != nil {
		return err
	}
	for _, r := range releases.Items {
		if !r.Status.Phase.Finished() && !slices.Contains(lasting, r.Status.Phase) || !r.Status.Phase.Finished() && r.Status.Message == "" {
			return fmt.Errorf("release %s is %s: %s", r.Name, r.Status.Phase, r.Status.Message)
		}
	}
	ready := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionTrue && !strings.Contains(ready.Message, crowd) {
		return fmt.Errorf("it is not ready: %+v", app.Status.Conditions)
	}
	return nil
}

// crowd is what an application says of as many pods as there may be: one machine takes a minute to pretend them.
const crowd = "of 1000 pods are ready"

// lasting are the phases in which a release of these tests waits.
var lasting = []api.ReleasePhase{api.ReleasePreparing, api.ReleaseObserving}

// children are all objects that were made of the application, as text, by kind and name. Versions and releases that were are
// its history, and stay.
func children(ctx context.Context, w *world.World) (map[string]string, error) {
	out := map[string]string{}
	for _, list := range []client.ObjectList{
		&appsv1.DeploymentList{}, &appsv1.StatefulSetList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &batchv1.JobList{}, &batchv1.CronJobList{},
		&autoscalingv2.HorizontalPodAutoscalerList{}, &istionet.DestinationRuleList{}, &istionet.VirtualServiceList{}, &istionet.GatewayList{},
	} {
		if err := direct.List(ctx, list, client.InNamespace(w.Namespace), client.HasLabels{api.LabelApplication}); err != nil {
			return nil, err
		}
		err := apimeta.EachListItem(list, func(o runtime.Object) error {
			fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
			if err != nil {
				return err
			}
			u := &unstructured.Unstructured{Object: fields}
			delete(fields, "status")
			for _, gone := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
				unstructured.RemoveNestedField(fields, "metadata", gone)
			}
			// Of an application that was made anew the owner is another, and so is the digest of what was applied.
			annotations := u.GetAnnotations()
			delete(annotations, "deployment.kubernetes.io/revision")
			delete(annotations, "weir.dev/applied")
			u.SetAnnotations(annotations)
			owners := u.GetOwnerReferences()
			for i := range owners {
				owners[i].UID = ""
			}
			u.SetOwnerReferences(owners)
			for _, address := range []string{"clusterIP", "clusterIPs"} {
				unstructured.RemoveNestedField(fields, "spec", address)
			}
			text, err := yaml.Marshal(fields)
			out[fmt.Sprintf("%T %s", o, u.GetName())] = string(text)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
