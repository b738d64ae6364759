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
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/revision"
	engine "weir.dev/weir/internal/release"
)

// gather reads what the engine has to know at this point, and no more: proxies and metrics are asked only when they matter.
// It returns the time at which it was seen: not before the callers were, since evidence from before does not count.
func (r *Reconciler) gather(ctx context.Context, release *api.Release) (engine.Seen, time.Time, error) {
	seen := engine.Seen{Name: release.Name}
	if release.Status.Phase.Finished() {
		return seen, r.Clock.Now(), nil // what gates say after the end depends on nothing else
	}
	frozen, err := r.readVersions(ctx, release)
	if err != nil {
		return seen, time.Time{}, err
	}
	if err := r.readWorkloads(ctx, release, frozen, &seen); err != nil {
		return seen, time.Time{}, err
	}
	if seen.Peers, err = r.readPeers(ctx, release); err != nil {
		return seen, time.Time{}, err
	}
	if engine.NeedsProof(release.Status) {
		seen.Proof, seen.ProofError = r.prove(ctx, release, frozen)
	}
	now := r.Clock.Now()
	if engine.NeedsSample(release.Spec, release.Status, now) {
		seen.Sample, seen.SampleError = r.measure(ctx, release, now)
	}
	return seen, now, nil
}

// readWorkloads learns which pods there are, and which there should be.
func (r *Reconciler) readWorkloads(ctx context.Context, release *api.Release, frozen map[string]api.Component,
	seen *engine.Seen) (err error) {
	theirs := frozen[release.Spec.To].External
	if !theirs {
		if seen.From, err = r.readPods(ctx, release, release.Spec.From, frozen); err != nil {
			return err
		}
		if seen.To, err = r.readPods(ctx, release, release.Spec.To, frozen); err != nil {
			return err
		}
	}
	if err := r.readApplication(ctx, release, seen); err != nil || !theirs {
		return err
	}
	return r.readTheirs(ctx, release, frozen[release.Spec.To].Meshed(), seen)
}

// prove asks how far callers are with what the release wants. Where no version has a port there is nothing to wait for.
func (r *Reconciler) prove(ctx context.Context, release *api.Release, frozen map[string]api.Component) (mesh.Proof, error) {
	spec := api.Component{Name: release.Spec.Component}
	if frozen[release.Spec.To].External { // ports are no part of what somebody else runs
		var err error
		if spec, err = r.component(ctx, release); err != nil {
			return mesh.Proof{}, err
		}
	}
	route, routed := plan.Route(release.Namespace, plan.Component{Spec: spec, Versions: frozen, Wanted: release.Status.Wanted})
	if !routed || len(route.Ports) == 0 {
		return mesh.Proof{Served: true, Method: "no-route"}, nil
	}
	route.Subsets, route.Weights = engine.Expected(release.Spec, release.Status)
	return r.Prover.Prove(ctx, route)
}

// readApplication learns what the application asks of the component now. A component that is gone asks for nothing:
// the engine keeps the pods it has.
func (r *Reconciler) readApplication(ctx context.Context, release *api.Release, seen *engine.Seen) error {
	var app api.Application
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: release.Spec.Application}, &app)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read application %s: %w", release.Spec.Application, err)
	}
	seen.Refused = refused(release, &app)
	if app.Status.ObservedGeneration == app.Generation {
		for _, c := range app.Status.Components {
			// A status that does not know the release yet speaks of what was desired before it.
			if c.Name == release.Spec.Component && c.Release == release.Name {
				seen.Desired = c.Desired
			}
		}
	}
	for _, c := range app.Spec.Components {
		if c.Name != release.Spec.Component {
			continue
		}
		found, err := kube.Conflicts(ctx, r.Client, &app, c.Name)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			seen.Contested = found[0].String() + "; " + found[0].Do()
		}
		if seen.Replicas = c.Pods(); c.External {
			continue
		}
		if err := r.readLoad(ctx, release, c, seen); err != nil {
			return err
		}
	}
	return nil
}

// readLoad learns how many pods an autoscaler asks for now. Both versions hold what a release gave them, so that the greater
// number is the load's, or that of an earlier load: while a release runs, pods are added and none taken away.
func (r *Reconciler) readLoad(ctx context.Context, release *api.Release, c api.Component, seen *engine.Seen) error {
	all, err := kube.Autoscalers(ctx, r.Client, release.Namespace)
	if err != nil {
		return err
	}
	for version, pods := range map[string]engine.Pods{release.Spec.From: seen.From, release.Spec.To: seen.To} {
		h := all[revision.Name(c.Name, version)]
		switch {
		case h == nil:
		case h.Status.DesiredReplicas > 0:
			seen.Replicas = max(seen.Replicas, h.Status.DesiredReplicas)
		default:
			seen.Replicas = max(seen.Replicas, pods.Replicas) // it has not looked yet
		}
	}
	if c.Autoscale != nil {
		seen.Replicas = min(seen.Replicas, max(c.Autoscale.Max, c.Pods()))
	}
	return nil
}

// readPeers learns where the other releases of the unit stand, those that there are.
func (r *Reconciler) readPeers(ctx context.Context, release *api.Release) ([]engine.Peer, error) {
	if release.Spec.Unit == nil {
		return nil, nil
	}
	var out []engine.Peer
	for _, name := range release.Spec.Unit.Releases {
		var peer api.Release
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: name}, &peer)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("read release %s of the unit: %w", name, err)
		}
		if err == nil && name != release.Name && peer.Spec.Application == release.Spec.Application {
			out = append(out, engine.PeerOf(name, peer.Spec, peer.Status))
		}
	}
	return out, nil
}

// readPods counts the pods of one version, and says in words what keeps them from being ready.
func (r *Reconciler) readPods(
	ctx context.Context, release *api.Release, version string, frozen map[string]api.Component,
) (engine.Pods, error) {
	var out engine.Pods
	var deployment appsv1.Deployment
	name := revision.Name(release.Spec.Component, version)
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: name}, &deployment)
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
	meshed := frozen[version].Meshed()
	out.Present = int32(len(pods.Items))
	for i := range pods.Items {
		switch pod := &pods.Items[i]; {
		case kube.PodReady(pod, meshed):
			out.Ready++
		case pod.DeletionTimestamp == nil:
			out.Problem = max(out.Problem, kube.PodProblem(pod, meshed))
		}
	}
	out.Made = deployment.CreationTimestamp.Time
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

// readVersions reads the frozen content of both versions.
func (r *Reconciler) readVersions(ctx context.Context, release *api.Release) (map[string]api.Component, error) {
	frozen := map[string]api.Component{}
	for _, version := range []string{release.Spec.From, release.Spec.To} {
		var kept appsv1.ControllerRevision
		name := revision.Name(release.Spec.Component, version)
		if err := r.Client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: name}, &kept); err != nil {
			return nil, fmt.Errorf("read revision %s: %w", name, err)
		}
		var content api.Component
		if err := json.Unmarshal(kept.Data.Raw, &content); err != nil {
			return nil, fmt.Errorf("read revision %s: %w", name, err)
		}
		frozen[version] = content
	}
	return frozen, nil
}
