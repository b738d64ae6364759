// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan/revision"
	engine "weir.dev/weir/internal/release"
)

// gather reads what the engine has to know at this point, and no more: proxies and metrics are asked only when they matter.
// It returns the time at which it was seen: not before the callers were, since evidence from before does not count.
func (r *Reconciler) gather(ctx context.Context, release *api.Release) (engine.Seen, time.Time, error) {
	var seen engine.Seen
	component, err := r.readApplication(ctx, release, &seen)
	if err != nil {
		return seen, time.Time{}, err
	}
	if seen.From, err = r.readPods(ctx, release, release.Spec.From); err != nil {
		return seen, time.Time{}, err
	}
	if seen.To, err = r.readPods(ctx, release, release.Spec.To); err != nil {
		return seen, time.Time{}, err
	}
	host := Host(release)
	if engine.NeedsProof(release.Status) {
		subsets, weights := engine.Expected(release.Spec, release.Status)
		route := mesh.Route{Host: host, Namespace: release.Namespace, Subsets: subsets, Weights: weights, Ports: ports(component)}
		seen.Proof, seen.ProofError = r.Prover.Prove(ctx, route)
	}
	now := r.Clock.Now()
	if engine.NeedsSample(release.Spec, release.Status, now) {
		since, until := engine.Window(release.Spec, release.Status, now)
		seen.Sample, seen.SampleError = r.Measurer.Measure(ctx, mesh.Window{
			Host: host, Namespace: release.Namespace, Version: release.Spec.To,
			Since: since, Until: until, Quantile: engine.Quantile(release.Spec),
		})
	}
	return seen, now, nil
}

// Host is the name that callers use for the released component.
func Host(release *api.Release) string {
	return release.Spec.Component + "." + release.Namespace + ".svc.cluster.local"
}

// readApplication learns what the application asks of the component now. A component that is gone asks for nothing:
// the engine keeps the pods it has.
func (r *Reconciler) readApplication(ctx context.Context, release *api.Release, seen *engine.Seen) (api.Component, error) {
	var app api.Application
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: release.Spec.Application}, &app)
	if client.IgnoreNotFound(err) != nil {
		return api.Component{}, fmt.Errorf("read application %s: %w", release.Spec.Application, err)
	}
	if app.Status.ObservedGeneration == app.Generation {
		for _, c := range app.Status.Components {
			if c.Name == release.Spec.Component {
				seen.Desired = c.Desired
			}
		}
	}
	for _, c := range app.Spec.Components {
		if c.Name != release.Spec.Component {
			continue
		}
		seen.Replicas = 1
		if c.Replicas != nil {
			seen.Replicas = *c.Replicas
		}
		return c, nil
	}
	return api.Component{}, nil
}

// readPods counts the pods of one version, and says in words what keeps them from being ready.
func (r *Reconciler) readPods(ctx context.Context, release *api.Release, version string) (engine.Pods, error) {
	var out engine.Pods
	meshed, err := r.meshed(ctx, release, version)
	if err != nil {
		return out, err
	}
	var deployment appsv1.Deployment
	name := revision.Name(release.Spec.Component, version)
	err = r.Client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: name}, &deployment)
	if client.IgnoreNotFound(err) != nil {
		return out, fmt.Errorf("read deployment %s: %w", name, err)
	}
	var pods corev1.PodList
	err = r.Client.List(ctx, &pods, client.InNamespace(release.Namespace), client.MatchingLabels{
		api.LabelApplication: release.Spec.Application, api.LabelComponent: release.Spec.Component, api.LabelVersion: version,
	})
	if err != nil {
		return out, fmt.Errorf("list pods of version %s: %w", version, err)
	}
	out.Present = int32(len(pods.Items))
	for i := range pods.Items {
		switch pod := &pods.Items[i]; {
		case kube.PodReady(pod, meshed):
			out.Ready++
		case pod.DeletionTimestamp == nil:
			out.Problem = max(out.Problem, kube.PodProblem(pod, meshed))
		}
	}
	if deployment.Spec.Replicas != nil {
		out.Replicas = *deployment.Spec.Replicas
	}
	if out.Problem == "" {
		out.Problem = deploymentProblem(&deployment)
	}
	out.Available = settled(&deployment) && out.Ready >= out.Replicas
	return out, nil
}

// settled tells whether the Deployment's controller has seen its spec and all its pods are of it and available.
func settled(d *appsv1.Deployment) bool {
	return d.UID != "" && d.Status.ObservedGeneration >= d.Generation && d.Spec.Replicas != nil &&
		d.Status.UpdatedReplicas == *d.Spec.Replicas && d.Status.AvailableReplicas >= *d.Spec.Replicas &&
		d.Status.Replicas == d.Status.UpdatedReplicas
}

func deploymentProblem(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return "its pods cannot be made: " + c.Message
		}
	}
	return ""
}

// meshed tells whether pods of the version must have a sidecar.
func (r *Reconciler) meshed(ctx context.Context, release *api.Release, version string) (bool, error) {
	var kept appsv1.ControllerRevision
	name := revision.Name(release.Spec.Component, version)
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: name}, &kept)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("read revision %s: %w", name, err)
	}
	var frozen api.Component
	if len(kept.Data.Raw) > 0 {
		if err := json.Unmarshal(kept.Data.Raw, &frozen); err != nil {
			return false, fmt.Errorf("read revision %s: %w", name, err)
		}
	}
	return frozen.Meshed(), nil
}

func ports(c api.Component) []int32 {
	out := make([]int32, 0, len(c.Ports))
	for _, p := range c.Ports {
		out = append(out, p.Port)
	}
	return out
}
