// SPDX-License-Identifier: Apache-2.0

// Package controller is the list of the controllers that run, and the manager they run in.
package controller

import (
	"context"
	"fmt"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	istiosec "istio.io/client-go/pkg/apis/security/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/controller/application"
	"weir.dev/weir/internal/controller/injection"
	"weir.dev/weir/internal/controller/release"
	"weir.dev/weir/internal/controller/release/gate"
	"weir.dev/weir/internal/controller/strategy"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/mesh"
)

// Options are what the controllers need from outside.
type Options struct {
	// LeaderElect lets only the holder of the lease weir-controller work.
	LeaderElect             bool
	LeaderElectionNamespace string
	// MetricsAddress, HealthAddress and ProfileAddress are host:port; "0" turns them off, and so does "" the last.
	MetricsAddress, HealthAddress, ProfileAddress string
	// Gateway selects the ingress gateway's pods.
	Gateway map[string]string
	// Mesh are hosts, as namespace/name, that proxies are sent besides those that their components call.
	Mesh     []string
	Prover   mesh.Prover
	Measurer release.Measurer
	// Namespaces are those that are looked after; empty means all.
	Namespaces []string
	// Templates is the namespace of the Strategies that every namespace may name; empty when there is none.
	Templates string
	// SharedProcess allows several managers in one process, as tests have them.
	SharedProcess bool
}

// NewManager returns a manager with every controller set up; the caller starts it.
func NewManager(ctx context.Context, cfg *rest.Config, o Options) (manager.Manager, error) {
	cfg = rest.CopyConfig(cfg)
	// The API server has its own priority and fairness; the client's brake would only add latency to a release.
	cfg.QPS = -1
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:                        kube.Scheme(),
		Cache:                         caches(o),
		Metrics:                       server.Options{BindAddress: o.MetricsAddress},
		HealthProbeBindAddress:        o.HealthAddress,
		PprofBindAddress:              o.ProfileAddress,
		LeaderElection:                o.LeaderElect,
		LeaderElectionID:              "weir-controller",
		LeaderElectionNamespace:       o.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		Controller:                    config.Controller{SkipNameValidation: new(o.SharedProcess)},
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	if err := setup(ctx, mgr, o); err != nil {
		return nil, fmt.Errorf("set up the controllers: %w", err)
	}
	return mgr, nil
}

// setup is the table of contents: one line a controller.
func setup(ctx context.Context, mgr manager.Manager, o Options) error {
	recorder := mgr.GetEventRecorder("weir")
	if err := kube.IndexHosts(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	contents := &kube.Contents{Metadata: mgr.GetClient(), Reader: mgr.GetAPIReader()}
	applications := &application.Reconciler{
		Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Recorder: recorder, Prover: o.Prover, Contents: contents, Gateway: o.Gateway,
		Templates: o.Templates, Gateways: &kube.Gateways{}, Mesh: o.Mesh,
	}
	if err := applications.Setup(ctx, mgr); err != nil {
		return err
	}
	strategies := &strategy.Reconciler{Client: mgr.GetClient(), Field: application.StrategyField, Templates: o.Templates}
	if err := strategies.Setup(mgr); err != nil {
		return err
	}
	releases := &release.Reconciler{
		Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Recorder: recorder, Clock: clock.RealClock{},
		Prover: o.Prover, Measurer: o.Measurer, Gates: gate.New(ctx, mgr.GetClient(), clock.RealClock{}),
	}
	if err := releases.Setup(ctx, mgr); err != nil {
		return err
	}
	sidecars := &injection.Reconciler{Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Recorder: recorder, Clock: clock.RealClock{}}
	return sidecars.Setup(ctx, mgr)
}

// caches says what is kept in memory.
func caches(o Options) cache.Options {
	out := cache.Options{ByObject: ours(), DefaultTransform: cache.TransformStripManagedFields()}
	if len(o.Namespaces) == 0 {
		return out
	}
	out.DefaultNamespaces = map[string]cache.Config{}
	strategies := map[string]cache.Config{}
	for _, namespace := range o.Namespaces {
		out.DefaultNamespaces[namespace], strategies[namespace] = cache.Config{}, cache.Config{}
	}
	if o.Templates != "" {
		strategies[o.Templates] = cache.Config{}
	}
	out.ByObject[&api.Strategy{}] = cache.ByObject{Namespaces: strategies}
	return out
}

// ours keeps everyone else's objects out of memory: of the shared kinds only those that carry our label are cached, of
// ConfigMaps and Secrets only that they are there and which version of them, and of others' routes only their hosts.
func ours() map[client.Object]cache.ByObject {
	labeled, err := labels.NewRequirement(api.LabelApplication, selection.Exists, nil)
	if err != nil {
		panic(err) // the label is a constant
	}
	only := cache.ByObject{Label: labels.NewSelector().Add(*labeled)}
	// Nobody mounts what Helm keeps, and that is much.
	secrets := cache.ByObject{Transform: kube.Bare, Field: fields.OneTermNotEqualSelector("type", "helm.sh/release.v1")}
	return map[client.Object]cache.ByObject{
		&corev1.ConfigMap{}: {Transform: kube.Bare}, &corev1.Secret{}: secrets,
		&appsv1.StatefulSet{}: only, &batchv1.Job{}: only, &batchv1.CronJob{}: only,
		&appsv1.Deployment{}: only, &appsv1.ControllerRevision{}: only, &corev1.Pod{}: only, &corev1.Service{}: only,
		&corev1.ServiceAccount{}: only, &istionet.Gateway{}: only,
		&istionet.DestinationRule{}: {Transform: kube.Outline}, &istionet.VirtualService{}: {Transform: kube.Outline},
		&istionet.ServiceEntry{}: only, &istionet.Sidecar{}: only, &istiosec.AuthorizationPolicy{}: only,
	}
}
