// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/kube"
)

// gather reads what is known of the component's pods, and of those who inject only when a pod lacks its sidecar.
func (r *Reconciler) gather(ctx context.Context, app *api.Application, c api.Component) (injection.Seen, error) {
	seen := injection.Seen{
		Application: app.Name, Component: c.Name, Namespace: app.Namespace, Kind: c.Kind, Owned: !c.External, Lacking: lacks,
	}
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.InNamespace(app.Namespace),
		client.MatchingLabels{api.LabelApplication: app.Name, api.LabelComponent: c.Name})
	if err != nil {
		return seen, fmt.Errorf("list pods of component %s: %w", c.Name, err)
	}
	for _, p := range pods.Items {
		switch {
		case p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed:
		case p.DeletionTimestamp != nil:
			seen.Ending++
		case injection.OptedIn(&p):
			seen.Pods = append(seen.Pods, p)
		}
	}
	for _, s := range app.Status.Components {
		for _, v := range s.Versions {
			if s.Name == c.Name {
				seen.Wanted += int(v.Replicas)
			}
		}
	}
	for i := range app.Status.Injection {
		if app.Status.Injection[i].Component == c.Name {
			seen.Before = &app.Status.Injection[i]
		}
	}
	at := slices.IndexFunc(seen.Pods, func(p corev1.Pod) bool { return lacks(&p) })
	if at < 0 {
		return seen, nil
	}
	return seen, r.readInjector(ctx, &seen, seen.Pods[at].Labels)
}

func lacks(p *corev1.Pod) bool { return !injection.HasSidecar(p) }

// readInjector finds who would be asked about a pod like this, and whether it answers.
func (r *Reconciler) readInjector(ctx context.Context, seen *injection.Seen, pod map[string]string) error {
	var namespace corev1.Namespace
	if err := r.Client.Get(ctx, client.ObjectKey{Name: seen.Namespace}, &namespace); err != nil {
		return fmt.Errorf("read namespace %s: %w", seen.Namespace, err)
	}
	var configurations admissionv1.MutatingWebhookConfigurationList
	if err := r.Client.List(ctx, &configurations); err != nil {
		return fmt.Errorf("list webhooks: %w", err)
	}
	all, err := injection.Injectors(configurations.Items)
	if err != nil {
		return err
	}
	found, ok := injection.Match(all, namespace.Labels, pod)
	if !ok {
		seen.Why = injection.Why(all, seen.Namespace, namespace.Labels, pod)
		return nil
	}
	seen.Injector = &found
	seen.Answering, err = r.answering(ctx, found)
	return err
}

// answering tells whether a pod behind the injector's Service is ready. Of one outside of the cluster nothing is known, so it
// is asked.
func (r *Reconciler) answering(ctx context.Context, i injection.Injector) (bool, error) {
	namespace, name, ok := strings.Cut(i.Service, "/")
	if !ok {
		return true, nil
	}
	var service corev1.Service
	if err := r.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &service); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	var pods corev1.PodList
	if err := r.Reader.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels(service.Spec.Selector)); err != nil {
		return false, fmt.Errorf("list istiod in %s: %w", namespace, err)
	}
	return slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool { return kube.PodReady(&p, false) }), nil
}
