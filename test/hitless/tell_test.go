// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// tell logs what helps to understand why something was waited for in vain.
func (s *shop) tell() {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out strings.Builder
	fmt.Fprintln(&out, "how it stands at", time.Now().UTC().Format(time.TimeOnly))
	for _, tell := range []func(context.Context, *strings.Builder) error{s.tellApplications, s.tellReleases, s.tellWorkloads, s.tellPods, s.tellEvents, s.tellController} {
		if err := tell(ctx, &out); err != nil {
			fmt.Fprintln(&out, err)
		}
	}
	s.Log(out.String())
}

func (s *shop) tellApplications(ctx context.Context, out *strings.Builder) error {
	var all api.ApplicationList
	err := s.client.List(ctx, &all)
	for _, app := range all.Items {
		fmt.Fprintf(out, "application %s: generation %d, seen %d, release %q\n", app.Name, app.Generation, app.Status.ObservedGeneration, app.Status.Release)
		for _, c := range app.Status.Conditions {
			fmt.Fprintf(out, "  %s %s since %s: %s\n", c.Type, c.Status, c.LastTransitionTime.UTC().Format(time.TimeOnly), c.Message)
		}
		for _, c := range app.Status.Components {
			fmt.Fprintf(out, "  %s: current %s, desired %s, %s %s\n", c.Name, c.Current, c.Desired, c.Message, c.Warnings)
		}
	}
	return err
}

func (s *shop) tellReleases(ctx context.Context, out *strings.Builder) error {
	var all api.ReleaseList
	err := s.client.List(ctx, &all)
	for _, r := range all.Items {
		fmt.Fprintf(out, "release %s: %s, step %d, reason %q: %s\n", r.Name, r.Status.Phase, r.Status.Step, r.Status.Reason, r.Status.Message)
		if r.Status.Phase.Finished() {
			continue
		}
		for _, w := range r.Status.Wanted {
			fmt.Fprintf(out, "  %s: %d %%, %d pods, subset %t\n", w.Version, w.Weight, w.Replicas, w.Subset)
		}
		fmt.Fprintf(out, "  since %s, verified %+v\n", r.Status.Since, r.Status.Verified)
	}
	return err
}

func (s *shop) tellWorkloads(ctx context.Context, out *strings.Builder) error {
	var all appsv1.DeploymentList
	err := s.client.List(ctx, &all, client.InNamespace(namespace))
	for _, d := range all.Items {
		fmt.Fprintf(out, "deployment %s: %d pods wanted, %d ready, deleted %v, finalizers %v\n", d.Name, ptr.Deref(d.Spec.Replicas, 1), d.Status.ReadyReplicas, d.DeletionTimestamp, d.Finalizers)
	}
	var sets appsv1.ReplicaSetList
	if err == nil {
		err = s.client.List(ctx, &sets, client.InNamespace(namespace))
	}
	for _, r := range sets.Items {
		fmt.Fprintf(out, "replica set %s: %d pods, deleted %v, of %v\n", r.Name, r.Status.Replicas, r.DeletionTimestamp, r.OwnerReferences)
	}
	return err
}

func (s *shop) tellPods(ctx context.Context, out *strings.Builder) error {
	var all corev1.PodList
	err := s.client.List(ctx, &all)
	for _, p := range all.Items {
		fmt.Fprintf(out, "pod %s/%s: %s, made %s, deleted %v, finalizers %v\n", p.Namespace, p.Name, p.Status.Phase, p.CreationTimestamp.UTC().Format(time.TimeOnly), p.DeletionTimestamp, p.Finalizers)
		for _, c := range p.Status.ContainerStatuses {
			if p.DeletionTimestamp != nil || !c.Ready || c.RestartCount > 0 {
				fmt.Fprintf(out, "  %s: ready %t, %d restarts, waiting %v, running %v, ended %v\n", c.Name, c.Ready, c.RestartCount, c.State.Waiting, c.State.Running, c.State.Terminated)
			}
		}
	}
	return err
}

// tellEvents tells what was said of pods in the last two minutes.
func (s *shop) tellEvents(ctx context.Context, out *strings.Builder) error {
	var all corev1.EventList
	err := s.client.List(ctx, &all, client.InNamespace(namespace))
	slices.SortFunc(all.Items, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	for _, e := range all.Items {
		if e.InvolvedObject.Kind == "Pod" && time.Since(e.LastTimestamp.Time) < 2*time.Minute {
			fmt.Fprintf(out, "%s %s: %s: %s\n", e.LastTimestamp.UTC().Format(time.TimeOnly), e.InvolvedObject.Name, e.Reason, e.Message)
		}
	}
	return err
}

func (s *shop) tellController(ctx context.Context, out *strings.Builder) error {
	return s.tellLogs(ctx, out, "weir-system", nil)
}

// tellLogs tells what the namespace's pods have said last, since the time if there is one.
func (s *shop) tellLogs(ctx context.Context, out *strings.Builder, namespace string, since *metav1.Time) error {
	var pods corev1.PodList
	err := s.client.List(ctx, &pods, client.InNamespace(namespace))
	kube := s.kubernetes()
	options := &corev1.PodLogOptions{SinceTime: since, TailLines: ptr.To[int64](120), Timestamps: true}
	for _, p := range pods.Items {
		text, logErr := kube.CoreV1().Pods(p.Namespace).GetLogs(p.Name, options).DoRaw(ctx)
		fmt.Fprintf(out, "%s says (%v):\n%s\n", p.Name, logErr, text)
	}
	return err
}
