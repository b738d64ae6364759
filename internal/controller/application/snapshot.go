// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/conflict"
	"weir.dev/weir/internal/plan/external"
	"weir.dev/weir/internal/release/standing"
)

// snapshot is all that is read of the cluster for one pass.
type snapshot struct {
	taking     taking
	app        *api.Application
	revisions  map[string]map[string]api.Component // component → version → frozen content
	ways       map[string]map[string][]string      // component → version → whom it ever called
	releases   map[string][]api.Release            // component → releases, oldest first
	strategies map[string]api.StrategySpec
	// borrowed are those that are templates.
	borrowed map[string]bool
	// named says which strategies there are, when one is missing.
	named        string
	deployments  map[string]map[string]appsv1.Deployment           // component → version
	pods         map[string]map[string][]corev1.Pod                // component → version
	autoscalers  map[string]*autoscalingv2.HorizontalPodAutoscaler // by the name of the Deployment
	jobs         map[string]map[string]batchv1.Job                 // component → version, the newest
	unreached    map[string]bool                                   // components that some caller does not know of yet
	contents     config.Contents                                   // of the ConfigMaps and Secrets that the spec names
	copies       map[config.Object]metav1.PartialObjectMetadata
	kept         map[string][]appsv1.ControllerRevision // component → without their data
	callers      map[string][]plan.Caller               // component → components of other applications that call it
	gateway      kube.Gateway                           // empty when nothing is exposed
	rivals       []api.Application                      // that answer at hosts or ports of this one
	certificates map[string]string                      // Secret → its copy at the gateway
	warnings     map[string][]string                    // by component
	withheld     map[string]bool                        // components that are not routed because of them
	conflicts    map[string][]conflict.Conflict         // component → what others say about its host
	external     map[string]external.Seen               // component → what its owner made
}

func (r *Reconciler) gather(ctx context.Context, app *api.Application) (snapshot, error) {
	s := snapshot{
		app:         app,
		revisions:   map[string]map[string]api.Component{},
		ways:        map[string]map[string][]string{},
		releases:    map[string][]api.Release{},
		strategies:  map[string]api.StrategySpec{},
		borrowed:    map[string]bool{},
		deployments: map[string]map[string]appsv1.Deployment{},
		pods:        map[string]map[string][]corev1.Pod{},
		jobs:        map[string]map[string]batchv1.Job{},
		kept:        map[string][]appsv1.ControllerRevision{},
	}
	for _, read := range []func(context.Context, *snapshot) error{
		r.readRevisions, r.readReleases, r.readStrategies, r.readDeployments, r.readPods, r.readJobs, r.readAutoscalers,
		r.readContents, r.readCopies,
	} {
		if err := read(ctx, &s); err != nil {
			return snapshot{}, err
		}
	}
	return s, nil
}

func (r *Reconciler) list(ctx context.Context, s *snapshot, list client.ObjectList) error {
	err := r.Client.List(ctx, list, client.InNamespace(s.app.Namespace), client.MatchingLabels{api.LabelApplication: s.app.Name})
	if err != nil {
		return fmt.Errorf("list %T: %w", list, err)
	}
	return nil
}

func (r *Reconciler) readRevisions(ctx context.Context, s *snapshot) error {
	var list appsv1.ControllerRevisionList
	if err := r.list(ctx, s, &list); err != nil {
		return err
	}
	for _, item := range list.Items {
		if !metav1.IsControlledBy(&item, s.app) {
			continue
		}
		var frozen api.Component
		if err := json.Unmarshal(item.Data.Raw, &frozen); err != nil {
			return fmt.Errorf("read revision %s: %w", item.Name, err)
		}
		put(s.revisions, item.Labels, frozen)
		s.learn(item.Labels[api.LabelComponent], item.Labels[api.LabelVersion], said(&item, usesAnnotation), said(&item, usedAnnotation))
		item.Data.Raw = nil
		component := item.Labels[api.LabelComponent]
		s.kept[component] = append(s.kept[component], item)
	}
	return nil
}

func (r *Reconciler) readReleases(ctx context.Context, s *snapshot) error {
	var list api.ReleaseList
	if err := r.list(ctx, s, &list); err != nil {
		return err
	}
	for _, item := range list.Items {
		if metav1.IsControlledBy(&item, s.app) {
			s.releases[item.Spec.Component] = append(s.releases[item.Spec.Component], item)
		}
	}
	for _, releases := range s.releases {
		slices.SortFunc(releases, standing.Older)
	}
	return nil
}

// release of that name; nil when there is none.
func (s snapshot) release(name string) *api.Release { return s.history().Release(name) }

func (r *Reconciler) readDeployments(ctx context.Context, s *snapshot) error {
	var list appsv1.DeploymentList
	if err := r.list(ctx, s, &list); err != nil {
		return err
	}
	for _, item := range list.Items {
		if metav1.IsControlledBy(&item, s.app) {
			put(s.deployments, item.Labels, item)
		}
	}
	return nil
}

func (r *Reconciler) readPods(ctx context.Context, s *snapshot) error {
	var list corev1.PodList
	if err := r.list(ctx, s, &list); err != nil {
		return err
	}
	for _, item := range list.Items {
		component, version := item.Labels[api.LabelComponent], item.Labels[api.LabelVersion]
		if s.pods[component] == nil {
			s.pods[component] = map[string][]corev1.Pod{}
		}
		s.pods[component][version] = append(s.pods[component][version], item)
	}
	return nil
}

// readJobs keeps the newest job of each version, be it made for the version or by its CronJob.
func (r *Reconciler) readJobs(ctx context.Context, s *snapshot) error {
	var list batchv1.JobList
	if err := r.list(ctx, s, &list); err != nil {
		return err
	}
	slices.SortFunc(list.Items, func(a, b batchv1.Job) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for _, item := range list.Items {
		put(s.jobs, item.Labels, item)
	}
	return nil
}

func put[T any](into map[string]map[string]T, labels map[string]string, value T) {
	component, version := labels[api.LabelComponent], labels[api.LabelVersion]
	if into[component] == nil {
		into[component] = map[string]T{}
	}
	into[component][version] = value
}
