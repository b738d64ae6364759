// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/external"
	engine "weir.dev/weir/internal/release"
)

// component is the released one as the Application has it now; one of its name alone when it is gone from there.
func (r *Reconciler) component(ctx context.Context, release *api.Release) (api.Component, error) {
	var app api.Application
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: release.Spec.Application}, &app)
	if client.IgnoreNotFound(err) != nil {
		return api.Component{}, fmt.Errorf("read application %s: %w", release.Spec.Application, err)
	}
	for _, c := range app.Spec.Components {
		if c.Name == release.Spec.Component {
			return c, nil
		}
	}
	return api.Component{Name: release.Spec.Component}, nil
}

// readTheirs counts the pods of versions that somebody else runs. They have as many as their owner gives them, so that a
// release asks for no more; and nobody waits for the end of those that get no requests any more, since they stay.
func (r *Reconciler) readTheirs(ctx context.Context, release *api.Release, meshed bool, seen *engine.Seen) error {
	all, err := kube.External(ctx, r.Reader, release.Namespace, release.Spec.Component)
	if err != nil {
		return err
	}
	seen.From, seen.To = podsOf(all.Version(release.Spec.From), meshed), podsOf(all.Version(release.Spec.To), meshed)
	seen.Replicas = max(1, seen.To.Replicas)
	switch {
	case release.Status.Phase != api.ReleaseRetiring:
	case release.Status.Reason == "":
		seen.From = engine.Pods{}
	default:
		seen.To = engine.Pods{}
	}
	return nil
}

func podsOf(w external.Workload, meshed bool) engine.Pods {
	out := engine.Pods{Replicas: w.Replicas, Present: int32(len(w.Pods))}
	for i := range w.Pods {
		switch pod := &w.Pods[i]; {
		case kube.PodReady(pod, meshed):
			out.Ready++
		case pod.DeletionTimestamp == nil:
			out.Problem = max(out.Problem, kube.PodProblem(pod, meshed))
		}
	}
	if w.Replicas == 0 {
		out.Problem = "its owner has no Deployment of it, or one without pods"
	}
	out.Available = w.Settled && out.Ready >= out.Replicas
	return out
}
