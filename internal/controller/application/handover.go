// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/takeover"
)

// takeoverOwner owns what is changed of others' objects.
const takeoverOwner = "weir-takeover"

// clear does what the step says of objects of others, once the application's own are in place.
func (r *Reconciler) clear(ctx context.Context, app *api.Application, wants []want, t taking) error {
	for _, taken := range t.step.Release {
		for _, w := range wants {
			if w.component.Name != taken.Name {
				continue
			}
			if err := r.introduce(ctx, app, w); err != nil {
				return err
			}
			if err := r.releasePods(ctx, app.Namespace, taken.Name); err != nil {
				return err
			}
		}
	}
	for _, taken := range t.step.Loosen {
		if err := r.loosen(ctx, app.Namespace, taken, t.apart); err != nil {
			return err
		}
	}
	for _, taken := range t.step.Delete {
		o := blank(app.Namespace, taken)
		if err := r.Client.Delete(ctx, o); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("take the place of %s: %w", kube.Describe(o), err)
		}
	}
	for _, taken := range t.step.Empty {
		if err := r.scale(ctx, app.Namespace, taken.Name, 0); err != nil {
			return err
		}
	}
	return nil
}

// loosen lets routes of somebody else lead to Services alone where they named versions of them.
func (r *Reconciler) loosen(ctx context.Context, namespace string, taken api.Taken, apart map[string]bool) error {
	live := blank(namespace, taken)
	if err := r.Reader.Get(ctx, client.ObjectKeyFromObject(live), live); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !loosened(live, apart) {
		return nil
	}
	if err := r.Client.Update(ctx, live, client.FieldOwner(takeoverOwner)); err != nil {
		return fmt.Errorf("let %s lead to Services alone: %w", kube.Describe(live), err)
	}
	return nil
}

// scale lets a Deployment of somebody else have so many pods.
func (r *Reconciler) scale(ctx context.Context, namespace, name string, replicas int32) error {
	d := &appsv1.Deployment{}
	d.Namespace, d.Name = namespace, name
	patch := fmt.Sprintf(`{"spec":{"replicas":%d}}`, replicas)
	err := r.Client.Patch(ctx, d, client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner(takeoverOwner))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("scale Deployment %s to %d: %w", name, replicas, err)
	}
	return nil
}

// introduce gives the pods of somebody else's StatefulSet the labels by which the application's own finds them. Labels that
// they have stay as they are, since others go by them.
func (r *Reconciler) introduce(ctx context.Context, app *api.Application, w want) error {
	var set appsv1.StatefulSet
	if err := r.Reader.Get(ctx, client.ObjectKey{Namespace: app.Namespace, Name: w.component.Name}, &set); err != nil {
		return client.IgnoreNotFound(err)
	}
	var pods corev1.PodList
	if err := r.Reader.List(ctx, &pods, client.InNamespace(app.Namespace), client.MatchingLabels(set.Spec.Selector.MatchLabels)); err != nil {
		return fmt.Errorf("list pods of StatefulSet %s: %w", set.Name, err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if !metav1.IsControlledBy(pod, &set) || pod.Labels[api.LabelApplication] == app.Name {
			continue
		}
		if other := pod.Labels[owner.LabelApp]; other != "" && other != w.component.Name {
			return fmt.Errorf("StatefulSet %s cannot be taken over: its pods have the label app: %s, and would need app: %s", set.Name, other,
				w.component.Name)
		}
		labels := owner.PodLabels(app, w.component.Name, w.current, false)
		delete(labels, owner.LabelInject)
		maps.Copy(labels, pod.Labels)
		if err := r.relabel(ctx, pod, labels, map[string]any{takeover.Inherited: "true"}); err != nil {
			return err
		}
	}
	return nil
}

// relabel lets the pod have these labels and no others.
func (r *Reconciler) relabel(ctx context.Context, pod *corev1.Pod, labels map[string]string, annotations map[string]any) error {
	all := map[string]any{}
	for key := range pod.Labels {
		all[key] = nil
	}
	for key, value := range labels {
		all[key] = value
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID, "labels": all, "annotations": annotations}})
	if err != nil {
		return err
	}
	err = r.Client.Patch(ctx, pod, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(takeoverOwner))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("label pod %s: %w", pod.Name, err)
	}
	return nil
}

// releasePods deletes the StatefulSet, and leaves its pods running.
func (r *Reconciler) releasePods(ctx context.Context, namespace, name string) error {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := r.Reader.Get(ctx, client.ObjectKeyFromObject(set), set); err != nil || set.DeletionTimestamp != nil {
		return client.IgnoreNotFound(err)
	}
	err := r.Client.Delete(ctx, set, client.PropagationPolicy(metav1.DeletePropagationOrphan), client.Preconditions{UID: &set.UID})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("take the place of StatefulSet %s: %w", name, err)
	}
	return nil
}

// returnPods gives pods back the labels that the StatefulSet, as it was, makes them with, so that it finds them.
func (r *Reconciler) returnPods(ctx context.Context, app *api.Application, set *appsv1.StatefulSet) error {
	var pods corev1.PodList
	err := r.Reader.List(ctx, &pods, client.InNamespace(app.Namespace),
		client.MatchingLabels{api.LabelApplication: app.Name, api.LabelComponent: set.Name})
	if err != nil {
		return fmt.Errorf("list pods of component %s: %w", set.Name, err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		labels := maps.Clone(pod.Labels)
		for key := range owner.PodLabels(app, set.Name, "any", false) { // with a version there are more of them
			delete(labels, key)
		}
		maps.Copy(labels, set.Spec.Template.Labels)
		if err := r.relabel(ctx, pod, labels, map[string]any{takeover.Inherited: nil}); err != nil {
			return err
		}
	}
	return nil
}

// inherits tells whether the component runs on pods of somebody else's StatefulSet, which are to stay as they are.
func (s snapshot) inherits(w want) bool {
	var pods []corev1.Pod
	for _, of := range s.pods[w.component.Name] {
		pods = append(pods, of...)
	}
	return takeover.Inherits(pods, w.current)
}
