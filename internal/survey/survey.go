// SPDX-License-Identifier: Apache-2.0

// Package survey reads a cluster for package check: what is there, and what answers. It writes nothing.
package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/check"
	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/kube"
)

// Options say where to look.
type Options struct {
	// Namespaces to examine.
	Namespaces []string
	// IstioNamespace is where istiod runs when no label tells. Default: istio-system.
	IstioNamespace string
	// Gateway selects the ingress gateway's pods. Default: istio=ingressgateway.
	Gateway string
	// Prometheus to ask; one in the cluster is asked through the API server. Default: what Weir was installed with, else
	// http://prometheus.istio-system:9090.
	Prometheus string
}

// surveyor reads through one connection.
type surveyor struct {
	Options

	config *rest.Config
	client client.Client
	kube   kubernetes.Interface
	out    check.Snapshot
}

// Take reads the cluster. It fails only when the API server does not answer; what may not be read is left out, and named.
func Take(ctx context.Context, config *rest.Config, o Options) (check.Snapshot, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	c, err := client.New(config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		return check.Snapshot{}, fmt.Errorf("reach the cluster: %w", err)
	}
	k, err := kubernetes.NewForConfig(config)
	if err != nil {
		return check.Snapshot{}, fmt.Errorf("reach the cluster: %w", err)
	}
	s := &surveyor{Options: o, config: config, client: c, kube: k}
	for _, read := range []func(context.Context) error{
		s.version, s.kinds, s.istio, s.injectors, s.gateways, s.weir, s.rights, s.prometheus, s.namespaces,
	} {
		if err := read(ctx); err != nil {
			return s.out, err
		}
	}
	slices.Sort(s.out.Hidden)
	s.out.Hidden = slices.Compact(s.out.Hidden)
	return s.out, nil
}

func (s *surveyor) version(context.Context) error {
	info, err := s.kube.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("the API server does not answer: %w", err)
	}
	s.out.Cluster.Kubernetes = info.GitVersion
	return nil
}

func (s *surveyor) kinds(context.Context) error {
	s.out.Cluster.Kinds = map[string]bool{}
	for _, group := range []string{"networking.istio.io/v1", api.GroupVersion.String()} {
		served, err := s.kube.Discovery().ServerResourcesForGroupVersion(group)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("ask for the kinds of %s: %w", group, err)
		}
		name, _, _ := strings.Cut(group, "/")
		for _, r := range served.APIResources {
			s.out.Cluster.Kinds[r.Kind+"."+name] = true
		}
	}
	return nil
}

// list lists, and is content with what it may not see or what the cluster does not know.
func (s *surveyor) list(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	err := s.client.List(ctx, list, options...)
	switch {
	case err == nil, apimeta.IsNoMatchError(err), apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		s.out.Hidden = append(s.out.Hidden, kube.KindOf(list))
		return nil
	}
	return fmt.Errorf("list %ss: %w", kube.KindOf(list), err)
}

// istio finds istiods by their label, in all namespaces, and whether its CNI plugin is there.
func (s *surveyor) istio(ctx context.Context) error {
	var found appsv1.DeploymentList
	if err := s.list(ctx, &found, client.MatchingLabels{"app": "istiod"}); err != nil {
		return err
	}
	for _, d := range found.Items {
		i := check.Istiod{Namespace: d.Namespace, Name: d.Name, Revision: d.Labels["istio.io/rev"], Ready: d.Status.ReadyReplicas,
			Version: versionOf(d)}
		if i.Revision == "" {
			i.Revision = "default"
		}
		s.out.Cluster.Istiods = append(s.out.Cluster.Istiods, i)
	}
	var nodes appsv1.DaemonSetList
	if err := s.list(ctx, &nodes, client.MatchingLabels{"k8s-app": "istio-cni-node"}); err != nil {
		return err
	}
	s.out.Cluster.CNI = slices.ContainsFunc(nodes.Items, func(d appsv1.DaemonSet) bool { return d.Status.NumberReady > 0 })
	return nil
}

// versionOf is the tag of istiod's image when that is a version, else what the chart wrote, which in builds between releases
// is its own version and not Istio's.
func versionOf(d appsv1.Deployment) string {
	said := cmp.Or(d.Labels["app.kubernetes.io/version"], "unknown")
	for _, c := range d.Spec.Template.Spec.Containers {
		_, tag, ok := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
		if _, err := version.ParseGeneric(tag); err == nil {
			return tag
		}
		if ok && said == "unknown" {
			said = tag
		}
	}
	return said
}

func (s *surveyor) injectors(ctx context.Context) error {
	var found admissionv1.MutatingWebhookConfigurationList
	if err := s.list(ctx, &found); err != nil {
		return err
	}
	var err error
	s.out.Cluster.Injectors, err = injection.Injectors(found.Items)
	return err
}

func (s *surveyor) gateways(ctx context.Context) error {
	selector := s.Gateway
	if selector == "" {
		selector = "istio=ingressgateway"
	}
	set, err := labels.ConvertSelectorToLabelsMap(selector)
	if err != nil {
		return fmt.Errorf("gateway selector %q: %w; write it as istio=ingressgateway", selector, err)
	}
	var pods corev1.PodList
	if err := s.list(ctx, &pods, client.MatchingLabels(set)); err != nil {
		return err
	}
	s.out.Cluster.Gateways = map[string]int{}
	for i := range pods.Items {
		if kube.PodReady(&pods.Items[i], false) {
			s.out.Cluster.Gateways[pods.Items[i].Namespace]++
		}
	}
	return nil
}

// weir finds the controller, and where it was told Prometheus is.
func (s *surveyor) weir(ctx context.Context) error {
	var found appsv1.DeploymentList
	err := s.list(ctx, &found, client.MatchingLabels{"app.kubernetes.io/name": "weir", "app.kubernetes.io/component": "controller"})
	if err != nil || len(found.Items) == 0 {
		return err
	}
	d := found.Items[0]
	w := &check.Weir{Namespace: d.Namespace, Ready: d.Status.ReadyReplicas, Wanted: 1}
	if d.Spec.Replicas != nil {
		w.Wanted = *d.Spec.Replicas
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		w.Image = c.Image
		for _, arg := range c.Args {
			if url, ok := strings.CutPrefix(arg, "--prometheus-url="); ok && s.Prometheus == "" {
				s.Prometheus = url
			}
		}
	}
	s.out.Cluster.Weir = w
	return nil
}

func (s *surveyor) namespaces(ctx context.Context) error {
	for _, name := range s.Namespaces {
		n, err := s.namespace(ctx, name)
		if err != nil {
			return err
		}
		s.loopback(ctx, &n)
		s.out.Namespaces = append(s.out.Namespaces, n)
	}
	return nil
}

func (s *surveyor) namespace(ctx context.Context, name string) (check.Namespace, error) {
	n := check.Namespace{Name: name}
	var itself corev1.Namespace
	if err := s.client.Get(ctx, client.ObjectKey{Name: name}, &itself); err == nil {
		n.Labels = itself.Labels
	} else if apierrors.IsNotFound(err) {
		return n, fmt.Errorf("there is no namespace %s; name another with -n", name)
	} else if !apierrors.IsForbidden(err) {
		return n, fmt.Errorf("read namespace %s: %w", name, err)
	}
	var pods corev1.PodList
	var services corev1.ServiceList
	var deployments appsv1.DeploymentList
	var stateful appsv1.StatefulSetList
	var routes istionet.VirtualServiceList
	var rules istionet.DestinationRuleList
	var gateways istionet.GatewayList
	var apps api.ApplicationList
	var failed error
	for _, list := range []client.ObjectList{&pods, &services, &deployments, &stateful, &routes, &rules, &gateways, &apps} {
		failed = errors.Join(failed, s.list(ctx, list, client.InNamespace(name)))
		n.Objects = append(n.Objects, s.metadata(list)...)
	}
	n.Pods, n.Services, n.Deployments, n.StatefulSets = pods.Items, services.Items, deployments.Items, stateful.Items
	n.Routes, n.Rules, n.Applications = routes.Items, rules.Items, apps.Items
	if !slices.Contains(s.out.Hidden, kube.KindOf(&gateways)) {
		n.Gateways = []string{}
		for _, g := range gateways.Items {
			n.Gateways = append(n.Gateways, g.Name)
		}
	}
	return n, failed
}

func (s *surveyor) metadata(list client.ObjectList) []metav1.PartialObjectMetadata {
	items, err := apimeta.ExtractList(list)
	if err != nil {
		return nil // a list of ours is one
	}
	var out []metav1.PartialObjectMetadata
	for _, item := range items {
		o, ok := item.(client.Object)
		if !ok {
			continue
		}
		kind, err := s.client.GroupVersionKindFor(o)
		if err != nil {
			continue
		}
		version, name := kind.ToAPIVersionAndKind()
		out = append(out, metav1.PartialObjectMetadata{
			TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: name},
			ObjectMeta: metav1.ObjectMeta{
				Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), Labels: o.GetLabels(), OwnerReferences: o.GetOwnerReferences(),
			},
		})
	}
	return out
}
