// SPDX-License-Identifier: Apache-2.0

// Package world pretends what an API server alone lacks: a node that runs pods, and callers that serve and saw something.
package world

import (
	"context"
	"fmt"
	"maps"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// labelDeployment names the Deployment a pod was made for.
const labelDeployment = "deployment"

// Node does what a Deployment's controller and a kubelet would do, for every namespace of an API server. Pods become
// ready at once unless it is told otherwise.
type Node struct {
	client client.Client
	ready  sync.Map // namespace → func(version string) bool
	bare   sync.Map // namespaces whose pods get no sidecar from the node
}

// NewNode returns a node that runs until the context ends.
func NewNode(ctx context.Context, cfg *rest.Config) (*Node, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:     kube.Scheme(),
		Metrics:    server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		return nil, fmt.Errorf("make the node: %w", err)
	}
	n := &Node{client: mgr.GetClient()}
	err = ctrl.NewControllerManagedBy(mgr).Named("node").For(&appsv1.Deployment{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(ofPod)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 8}).
		Complete(n)
	if err != nil {
		return nil, fmt.Errorf("set up the node: %w", err)
	}
	err = ctrl.NewControllerManagedBy(mgr).Named("jobs").For(&batchv1.Job{}).Complete(jobs{mgr.GetClient()})
	if err != nil {
		return nil, fmt.Errorf("set up the node's Jobs: %w", err)
	}
	go func() { _ = mgr.Start(ctx) }() // it ends with the context; a node that is down shows in every test
	return n, nil
}

// Script says which versions become ready in a namespace.
func (n *Node) Script(namespace string, ready func(version string) bool) {
	n.ready.Store(namespace, ready)
}

// Bare leaves it to others to give pods of the namespace a sidecar.
func (n *Node) Bare(namespace string) { n.bare.Store(namespace, true) }

func ofPod(_ context.Context, pod client.Object) []reconcile.Request {
	name := pod.GetLabels()[labelDeployment]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: pod.GetNamespace(), Name: name}}}
}

// Reconcile brings the pods of one Deployment to what it wants.
func (n *Node) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var d appsv1.Deployment
	err := n.client.Get(ctx, req.NamespacedName, &d)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	}
	var pods corev1.PodList
	if err := n.client.List(ctx, &pods, client.InNamespace(req.Namespace), client.MatchingLabels{labelDeployment: req.Name}); err != nil {
		return ctrl.Result{}, err
	}
	wanted := int32(0)
	if err == nil && d.UID != "" && d.DeletionTimestamp == nil {
		wanted = *d.Spec.Replicas
	}
	have := map[string]bool{}
	for i := range pods.Items {
		have[pods.Items[i].Name] = true
	}
	for i := range wanted {
		name := podName(req.Name, i)
		if have[name] {
			delete(have, name)
			continue
		}
		if err := n.start(ctx, &d, name); client.IgnoreAlreadyExists(err) != nil {
			return ctrl.Result{}, err
		}
	}
	for i := range pods.Items {
		if have[pods.Items[i].Name] {
			if err := n.client.Delete(ctx, &pods.Items[i], client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
				return ctrl.Result{}, err
			}
		}
	}
	if d.UID == "" || d.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, n.report(ctx, &d)
}

func podName(deployment string, n int32) string { return fmt.Sprintf("%s-%d", deployment, n) }

func (n *Node) up(d *appsv1.Deployment) bool {
	ready, scripted := n.ready.Load(d.Namespace)
	if !scripted {
		return true
	}
	decide, ok := ready.(func(string) bool)
	return !ok || decide == nil || decide(d.Labels[api.LabelVersion])
}

// start makes a pod and marks it ready, or as one whose image is not there.
func (n *Node) start(ctx context.Context, d *appsv1.Deployment, name string) error {
	pod := &corev1.Pod{Spec: *d.Spec.Template.Spec.DeepCopy()}
	pod.Namespace, pod.Name = d.Namespace, name
	pod.Labels = maps.Clone(d.Spec.Template.Labels)
	pod.Labels[labelDeployment] = d.Name
	pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = "", ""
	pod.Spec.AutomountServiceAccountToken = new(false)
	if _, bare := n.bare.Load(d.Namespace); !bare {
		pod.Spec.Containers = append([]corev1.Container{{Name: "istio-proxy", Image: "proxy"}}, pod.Spec.Containers...)
	}
	if err := n.client.Create(ctx, pod); err != nil {
		return err
	}
	if n.up(d) {
		pod.Status.Phase = corev1.PodRunning // or budgets would not count it
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	} else {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "reviews", Image: "reviews:none",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}},
		}}
	}
	return client.IgnoreNotFound(n.client.Status().Update(ctx, pod))
}

func (n *Node) report(ctx context.Context, d *appsv1.Deployment) error {
	if !n.up(d) || d.Status.ObservedGeneration == d.Generation {
		return nil
	}
	count := *d.Spec.Replicas
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: d.Generation, Replicas: count, UpdatedReplicas: count, ReadyReplicas: count, AvailableReplicas: count,
	}
	return client.IgnoreNotFound(n.client.Status().Update(ctx, d))
}
