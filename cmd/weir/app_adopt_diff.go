// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/draft"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/workload"
	"weir.dev/weir/internal/preview"
)

// compared is what an adoption comes to.
type compared struct {
	fates   []fate
	changes []preview.Change
}

// fate is what becomes of an object that is taken over.
type fate struct {
	api.Taken
	words string
}

// compare finds what would be made, changed and taken away. A name that somebody else has is in the way.
func (a *adoption) compare(ctx context.Context, c client.Client) (compared, error) {
	var out compared
	objects, err := preview.Objects(preview.Input{Then: a.application})
	if err != nil {
		return out, err
	}
	if err := plan.Check(objects); err != nil {
		a.standing = append(a.standing, draft.Note{Text: err.Error()})
	}
	same := map[api.Taken]bool{}
	for _, o := range objects {
		if service, ok := o.(*corev1.Service); ok {
			if err := a.keepNames(ctx, c, service); err != nil {
				return out, err
			}
		}
		named := api.Taken{Kind: o.GetObjectKind().GroupVersionKind().Kind, Name: o.GetName()}
		same[named] = true
		change, err := a.wouldTake(ctx, c, o, named)
		if err != nil {
			return out, err
		}
		if change.Diff != "" {
			out.changes = append(out.changes, change)
		}
	}
	for _, t := range a.application.Spec.TakesOver {
		words, change, err := a.fate(ctx, c, t, same[t])
		if err != nil {
			return out, err
		}
		out.fates = append(out.fates, fate{t, words})
		if change.Diff != "" {
			out.changes = append(out.changes, change)
		}
	}
	return out, nil
}

// number lets Services lead to ports by their numbers: the application's pods call them otherwise. Nothing changes by that
// for the old pods.
func (a *adoption) number(ctx context.Context, c client.Client) error {
	for _, component := range a.application.Spec.Components {
		var live corev1.Service
		err := c.Get(ctx, client.ObjectKey{Namespace: a.application.Namespace, Name: component.Name}, &live)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read Service %s: %w", component.Name, err)
		}
		if named := numbered(&live, component); len(named) == 0 {
			continue
		}
		if err := c.Update(ctx, &live); err != nil {
			return fmt.Errorf("let Service %s lead to ports by their numbers: %w", component.Name, err)
		}
	}
	return nil
}

// numbered writes the numbers of target ports in the place of their names, which it returns.
func numbered(service *corev1.Service, component api.Component) []string {
	var out []string
	for i := range service.Spec.Ports {
		p := &service.Spec.Ports[i]
		at := slices.IndexFunc(component.Ports, func(own api.Port) bool { return own.Port == p.Port })
		if p.TargetPort.Type != intstr.String || at < 0 {
			continue
		}
		out = append(out, p.TargetPort.StrVal)
		p.TargetPort = intstr.FromInt32(port.Target(component.Ports[at]))
	}
	return out
}

// keepNames lets the Service have the names of ports that it would keep, and tells of ports that it leads to by name.
func (a *adoption) keepNames(ctx context.Context, c client.Client, service *corev1.Service) error {
	var live corev1.Service
	if err := c.Get(ctx, client.ObjectKeyFromObject(service), &live); err != nil {
		return client.IgnoreNotFound(err)
	}
	workload.KeepNames(service, live.Spec.Ports)
	for _, c := range a.application.Spec.Components {
		if c.Name == live.Name {
			for _, name := range numbered(&live, c) {
				a.foundNotes = append(a.foundNotes, draft.Note{Component: c.Name, Text: "Service " + c.Name + " leads to port " + name +
					" by its name; it is written as a number first, and stays one"})
			}
		}
	}
	return nil
}

// wouldTake is how the object would change: made anew, or written over when it is taken over.
func (a *adoption) wouldTake(ctx context.Context, c client.Client, o plan.Object, named api.Taken) (preview.Change, error) {
	fields, err := preview.Fields(o)
	if err != nil {
		return preview.Change{}, err
	}
	then := &unstructured.Unstructured{Object: fields}
	now, err := liveObject(ctx, c, then.GroupVersionKind(), client.ObjectKeyFromObject(o))
	switch {
	case err != nil:
		return preview.Change{}, err
	case now == nil:
		return preview.Between(nil, then)
	case !slices.Contains(a.application.Spec.TakesOver, named):
		a.standing = append(a.standing, draft.Note{
			Component: o.GetLabels()[api.LabelComponent],
			Text:      fmt.Sprintf("%s exists already and is not taken over; rename the component, or that object", kube.Describe(o)),
		})
		return preview.Change{}, nil
	case named.Kind == "ServiceAccount" || named.Kind == "StatefulSet":
		return preview.Change{}, nil // told as its fate
	}
	after, err := writtenOver(now, then)
	if err != nil {
		return preview.Change{}, err
	}
	return preview.Between(now, after)
}

// writtenOver is the object once the wanted one was applied over it, as internal/kube does it.
func writtenOver(now, want *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	out := now.DeepCopy()
	labels := out.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, want.GetLabels())
	out.SetLabels(labels)
	spec, _, err := unstructured.NestedMap(want.Object, "spec")
	if err != nil {
		return nil, err
	}
	if kind := want.GetKind(); kind == "VirtualService" || kind == "Gateway" {
		out.Object["spec"] = spec
		return out, nil
	}
	for field, value := range spec {
		if err := unstructured.SetNestedField(out.Object, value, "spec", field); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func liveObject(ctx context.Context, c client.Client, kind schema.GroupVersionKind,
	key client.ObjectKey) (*unstructured.Unstructured, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	err := c.Get(ctx, key, o)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind.Kind, key, err)
	}
	return o, nil
}

// fate says what becomes of an object, and how it changes if it goes.
func (a *adoption) fate(ctx context.Context, c client.Client, t api.Taken, same bool) (string, preview.Change, error) {
	groups := map[string]schema.GroupVersion{
		"Deployment": {Group: "apps", Version: "v1"}, "StatefulSet": {Group: "apps", Version: "v1"},
		"Service": {Version: "v1"}, "ServiceAccount": {Version: "v1"},
	}
	group, known := groups[t.Kind]
	if !known {
		group = schema.GroupVersion{Group: "networking.istio.io", Version: "v1"}
	}
	live, err := liveObject(ctx, c, group.WithKind(t.Kind), client.ObjectKey{Namespace: a.application.Namespace, Name: t.Name})
	switch {
	case err != nil:
		return "", preview.Change{}, err
	case live == nil:
		return "is not there, and is not waited for", preview.Change{}, nil
	}
	switch t.Kind {
	case "Deployment":
		n, _, err := unstructured.NestedInt64(live.Object, "spec", "replicas")
		answer, end := "pods answer", "end"
		if n == 1 {
			answer, end = "pod answers", "ends"
		}
		return fmt.Sprintf("its %d %s until the application's do, and then %s; it stays, with none", n, answer, end), preview.Change{}, err
	case "StatefulSet":
		return "its pods go on running, in the application's StatefulSet of the same name", preview.Change{}, nil
	case "Service":
		return "keeps its address, and leads to the component " + t.Name, preview.Change{}, nil
	case "ServiceAccount":
		return "is used as it is", preview.Change{}, nil
	}
	if same {
		return "is written over", preview.Change{}, nil
	}
	change, err := preview.Between(live, nil)
	return "goes when the application's own are in its place", change, err
}

func (a *adoption) tell(w io.Writer, seen compared) error {
	fmt.Fprintf(w, "Application %s would take over in namespace %s:\n", a.application.Name, a.application.Namespace)
	t := columns(w)
	for _, f := range seen.fates {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", f.Kind, f.Name, f.words)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nThese would be made, changed or deleted:")
	if err := preview.Changes(w, seen.changes, !a.brief); err != nil {
		return err
	}
	remarks(w, "\nTo know:", a.foundNotes)
	remarks(w, "\nIn the way:", a.standing)
	return nil
}

func remarks(w io.Writer, title string, notes []draft.Note) {
	if len(notes) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for _, n := range notes {
		fmt.Fprintf(w, "  - %s\n", n)
	}
}
