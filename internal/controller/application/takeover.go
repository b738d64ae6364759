// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"fmt"
	"slices"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/takeover"
)

// taking is how far the application has come with taking over; the zero value when there is nothing to take.
type taking struct {
	active bool
	step   takeover.Step
	// records are to be written before anything is done to what they are of.
	records []api.TakenRecord
	// rules of others that keep their subsets beside the application's.
	rules []plan.Object
	// bridges keep the old pods reachable that their Services leave.
	bridges []plan.Object
	// apart are the Services of which old and new pods are not selected alike.
	apart map[string]bool
}

// takeOver decides the next step of taking over; objects are all that the application is made of.
func (r *Reconciler) takeOver(ctx context.Context, s *snapshot, wants []want, objects []plan.Object) error {
	if len(s.app.Spec.TakesOver) == 0 {
		return nil
	}
	t := taking{active: true, records: s.app.DeepCopy().Status.Taken}
	if takenOver(s.app) {
		t.step = takeover.All()
		s.taking = t
		return nil
	}
	found, err := r.find(ctx, s.app)
	if err != nil {
		return err
	}
	seen := takeover.Seen{Items: found.items, Pods: map[string]takeover.Pods{}}
	for i := range seen.Items {
		item := &seen.Items[i]
		item.Same = slices.ContainsFunc(objects, func(o plan.Object) bool { return kindOf(o) == item.Kind && o.GetName() == item.Name })
		item.Shared = found.shared(item, podLabels(objects))
	}
	found.pins(seen.Items)
	if err := r.lookOn(ctx, s, wants, objects, &seen); err != nil {
		return err
	}
	if err := found.byName(); err != nil {
		return err
	}
	now := time.Now()
	t.step = takeover.Next(now, seen)
	t.rules = found.rules(objects)
	if err := t.record(found, s.app, now); err != nil {
		return err
	}
	if t.bridges, err = bridges(s.app, seen.Items); err != nil {
		return err
	}
	t.apart = apart(seen.Items)
	s.taking = t
	return nil
}

// lookOn takes in how far the application's own objects have come.
func (r *Reconciler) lookOn(ctx context.Context, s *snapshot, wants []want, objects []plan.Object, seen *takeover.Seen) error {
	if err := r.stand(ctx, s.app, seen, objects); err != nil {
		return err
	}
	if !seen.Routes.IsZero() {
		seen.Unproven = r.unproven(ctx, s, wants)
	}
	for _, w := range wants {
		waits := func(i takeover.Item) bool { return i.Kind == "StatefulSet" && i.Name == w.component.Name && !i.Owned }
		if !slices.ContainsFunc(seen.Items, waits) { // whose pods are not told apart yet
			seen.Pods[w.component.Name] = podsOf(*s, w)
		}
	}
	return nil
}

// record keeps what was found, and what the step does with it.
func (t *taking) record(found found, app *api.Application, now time.Time) error {
	for _, taken := range t.step.Remember {
		record, err := found.remember(app, taken, now)
		if err != nil {
			return err
		}
		t.records = append(t.records, record)
	}
	mark(t.records, t.step.Mark, now, func(r *api.TakenRecord) **metav1.MicroTime { return &r.At })
	mark(t.records, t.step.Clear, now, func(r *api.TakenRecord) **metav1.MicroTime { return &r.Clear })
	return nil
}

// mark notes in the records of those named when it was that something was done to them.
func mark(records []api.TakenRecord, named []api.Taken, now time.Time, in func(*api.TakenRecord) **metav1.MicroTime) {
	for i := range records {
		if slices.Contains(named, api.Taken{Kind: records[i].Kind, Name: records[i].Name}) {
			*in(&records[i]) = ptr.To(metav1.NewMicroTime(now))
		}
	}
}

// takenOver tells whether everything that the spec names was taken over before.
func takenOver(app *api.Application) bool {
	left := slices.ContainsFunc(app.Spec.TakesOver, func(t api.Taken) bool {
		return !slices.ContainsFunc(app.Status.Taken, func(r api.TakenRecord) bool { return r.Kind == t.Kind && r.Name == t.Name && r.At != nil })
	})
	return !left && apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionTakenOver)
}

// stand tells since when the application's own rules and routes are there.
func (r *Reconciler) stand(ctx context.Context, app *api.Application, seen *takeover.Seen, objects []plan.Object) error {
	fresh := slices.DeleteFunc(slices.Clone(objects), func(o plan.Object) bool {
		return slices.ContainsFunc(seen.Items, func(i takeover.Item) bool { return i.Kind == kindOf(o) && i.Name == o.GetName() })
	})
	for _, one := range []struct {
		since *time.Time
		of    []plan.Object
		kinds []string
	}{
		{&seen.Rules, objects, []string{"DestinationRule"}},
		{&seen.Routes, objects, []string{"VirtualService", "Gateway"}},
		{&seen.Ways, fresh, []string{"VirtualService", "Gateway"}},
	} {
		var err error
		if *one.since, err = r.since(ctx, app, seen.Items, one.of, one.kinds...); err != nil {
			return err
		}
	}
	return nil
}

// since tells since when all objects of the kinds are there and the application's; zero while one is not.
func (r *Reconciler) since(ctx context.Context, app *api.Application, items []takeover.Item, objects []plan.Object,
	kinds ...string) (time.Time, error) {
	out := app.CreationTimestamp.Time
	for _, o := range objects {
		if !slices.Contains(kinds, kindOf(o)) {
			continue
		}
		live, ok := o.DeepCopyObject().(plan.Object)
		if !ok {
			return time.Time{}, fmt.Errorf("read %s: not an object of the API", kube.Describe(o))
		}
		err := r.Client.Get(ctx, client.ObjectKeyFromObject(o), live)
		if client.IgnoreNotFound(err) != nil {
			return time.Time{}, fmt.Errorf("read %s: %w", kube.Describe(o), err)
		}
		if err != nil || !metav1.IsControlledBy(live, app) {
			return time.Time{}, nil //nolint:nilerr // there is none yet
		}
		at := live.GetCreationTimestamp().Time
		if i := slices.IndexFunc(items, func(i takeover.Item) bool { return i.Kind == kindOf(o) && i.Name == o.GetName() }); i >= 0 {
			if items[i].Record == nil || items[i].Record.At == nil {
				return time.Time{}, nil
			}
			at = later(at, items[i].Record.At.Time)
		}
		out = later(out, at)
	}
	return out, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// podsOf counts the pods of the version that carries the traffic.
func podsOf(s snapshot, w want) takeover.Pods {
	var out takeover.Pods
	if w.component.RunsToEnd() {
		return out
	}
	for _, v := range w.versions {
		if v.Version != w.current || v.Replicas == 0 {
			continue
		}
		out.Wanted += v.Replicas
		out.Ready += min(v.Replicas, versionStatus(s, w, v).Ready)
	}
	return out
}

// unproven are the components whose routes some caller's proxy does not serve, or of which nobody can tell: where istiod is
// away proxies keep their routes to the old pods, so these have to stay.
func (r *Reconciler) unproven(ctx context.Context, s *snapshot, wants []want) []string {
	if r.Prover == nil {
		return nil
	}
	var out []string
	for _, w := range wants {
		route, routed := r.routeOf(*s, w)
		if !routed || len(route.Ports) == 0 {
			continue
		}
		proof, err := r.Prover.Prove(ctx, route)
		switch {
		case err != nil:
			out = append(out, fmt.Sprintf("%s (%v)", w.component.Name, err))
		case !proof.Served:
			out = append(out, w.component.Name)
		}
	}
	return out
}

// holds tells whether the object must not be written now.
func (t taking) holds(app *api.Application, o plan.Object) bool {
	if !t.active {
		return false
	}
	named := api.Taken{Kind: kindOf(o), Name: o.GetName()}
	switch named.Kind {
	case "ServiceAccount":
		late := slices.ContainsFunc(t.records,
			func(r api.TakenRecord) bool { return r.Kind == named.Kind && r.Name == named.Name && r.Was == nil })
		return slices.Contains(app.Spec.TakesOver, named) && !late
	case "Service", "StatefulSet":
		return slices.Contains(t.step.Hold, named)
	case "DestinationRule":
		return !t.step.Rules
	case "VirtualService", "Gateway":
		return !t.step.Routes || slices.Contains(t.step.Hold, named)
	}
	return false
}

// sequence is the order to write the objects in. Until old routes are gone, what they lead to stays in the rules.
func (t taking) sequence(objects, live []plan.Object) (first, later []plan.Object) {
	first, later = plan.Sequence(objects, slices.Concat(live, t.rules))
	first = slices.Concat(t.bridges, first)
	if t.active && !t.step.Narrow {
		return first, nil
	}
	return first, later
}

// may are the objects of others that may be written over, as they are described.
func (t taking) may(namespace string) map[string]bool {
	out := map[string]bool{}
	for _, taken := range t.step.Take {
		out[taken.Kind+" "+namespace+"/"+taken.Name] = true
	}
	return out
}

// status writes the account of what was taken over.
func (t taking) status(status *api.ApplicationStatus, generation int64) {
	if !t.active {
		return
	}
	status.Taken = t.records
	c := metav1.Condition{
		Type: api.ConditionTakenOver, Status: metav1.ConditionFalse, Reason: "TakingOver", Message: t.step.Message,
		ObservedGeneration: generation,
	}
	if t.step.Done {
		c.Status, c.Reason = metav1.ConditionTrue, "TakenOver"
	}
	apimeta.SetStatusCondition(&status.Conditions, c)
}

func kindOf(o plan.Object) string { return o.GetObjectKind().GroupVersionKind().Kind }
