// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/revision"
)

const (
	// usesAnnotation keeps with a version what it calls: uses may change without a new version, and while pods of an old
	// one run, they call what they always called.
	usesAnnotation = "weir.dev/uses"
	// usedAnnotation keeps all that the version ever was said to call: its pods are the same when it is said no more.
	usedAnnotation = "weir.dev/used"
	// targetField indexes Applications by the other Applications that their components call, as namespace/name.
	targetField = "spec.components.uses"
)

// said reads what was kept with a version under the annotation.
func said(kept *appsv1.ControllerRevision, annotation string) []string {
	if text := kept.Annotations[annotation]; text != "" {
		return strings.Split(text, " ")
	}
	return nil
}

// annotationsOf are what is kept with a version of which all that was known so far is given.
func annotationsOf(uses, used []string) map[string]string {
	return map[string]string{usesAnnotation: strings.Join(uses, " "), usedAnnotation: strings.Join(union(used, uses), " ")}
}

func union(lists ...[]string) []string {
	out := slices.Concat(lists...)
	slices.Sort(out)
	return slices.Compact(out)
}

// keepUses writes down what the desired version calls by now.
func (r *Reconciler) keepUses(ctx context.Context, s snapshot, w want) error {
	name := w.component.Name
	kept, there := s.revisions[name][w.desired]
	if !there || slices.Equal(kept.Uses, w.component.Uses) {
		return nil
	}
	used := s.ways[name][w.desired]
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotationsOf(w.component.Uses, used)}})
	if err != nil {
		return err
	}
	obj := &appsv1.ControllerRevision{}
	obj.Namespace, obj.Name = s.app.Namespace, revision.Name(name, w.desired)
	if err := r.Client.Patch(ctx, obj, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("keep with version %s of component %s what it uses: %w", w.desired, name, err)
	}
	s.learn(name, w.desired, w.component.Uses, used)
	return nil
}

// learn takes in what is kept with a version now.
func (s snapshot) learn(component, version string, uses, used []string) {
	kept := s.revisions[component][version]
	kept.Uses = uses
	s.revisions[component][version] = kept
	if s.ways[component] == nil {
		s.ways[component] = map[string][]string{}
	}
	s.ways[component][version] = union(used, uses)
}

// called is what versions of the component that have pods call, or will have them, and what they were ever said to call.
func called(s snapshot, w want) (uses, used []string) {
	for version, content := range s.revisions[w.component.Name] {
		running := len(s.pods[w.component.Name][version]) > 0 ||
			slices.ContainsFunc(w.versions, func(v api.VersionWanted) bool { return v.Version == version && v.Replicas > 0 })
		if running {
			uses, used = union(uses, content.Uses), union(used, s.ways[w.component.Name][version])
		}
	}
	return uses, used
}

// readNeighbors learns which components of other Applications call one of this, and who the gateway is.
func (r *Reconciler) readNeighbors(ctx context.Context, s *snapshot) error {
	var apps api.ApplicationList
	if err := r.Client.List(ctx, &apps, client.MatchingFields{targetField: keyOf(s.app)}); err != nil {
		return fmt.Errorf("list applications that call %s: %w", s.app.Name, err)
	}
	slices.SortFunc(apps.Items, byKey) // what is said of them must not change each time
	s.callers = plan.Callers(s.app, apps.Items)
	if r.Gateways != nil && slices.ContainsFunc(s.app.Spec.Components, func(c api.Component) bool { return c.Expose != nil }) {
		s.gateway = r.Gateways.Look(ctx, r.Reader, r.Gateway)
	}
	return nil
}

// warn finds what is accepted and yet not what it seems to be.
func (r *Reconciler) warn(s *snapshot, wants []want) {
	in, err := r.input(*s, wants)
	if err != nil || len(wants) == 0 {
		return
	}
	s.warnings = plan.Warnings(in)
	for name, words := range plan.Shared(s.app, s.rivals) {
		s.warnings[name] = append(s.warnings[name], words...)
	}
}

func keyOf(app *api.Application) string { return app.Namespace + "/" + app.Name }

func byKey(a, b api.Application) int { return strings.Compare(keyOf(&a), keyOf(&b)) }

// targetsOf are the other Applications that components call.
func targetsOf(obj client.Object) []string {
	app, ok := obj.(*api.Application)
	if !ok {
		return nil
	}
	var out []string
	for _, c := range app.Spec.Components {
		for _, t := range plan.Calls(app, c) {
			if t.Host == "" && !t.Of(app) {
				out = append(out, t.Namespace+"/"+t.Application)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// requestOf asks to look at the Application with that key.
func requestOf(key string) reconcile.Request {
	namespace, name, _ := strings.Cut(key, "/")
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

// onCaller looks again at the Applications that a changed one calls, or called before.
func onCaller() handler.EventHandler {
	wake := func(q queue, objects ...client.Object) {
		for _, obj := range objects {
			for _, key := range targetsOf(obj) {
				q.Add(requestOf(key))
			}
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { wake(q, e.Object) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			if !slices.Equal(targetsOf(e.ObjectOld), targetsOf(e.ObjectNew)) || e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() {
				wake(q, e.ObjectOld, e.ObjectNew)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { wake(q, e.Object) },
	}
}
