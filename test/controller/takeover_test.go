// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	klabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// foreign is what somebody else runs: a page of two pods with a Service, routes and a way in. If it is apart, the Service
// selects by the version, and a route and a rule of the page's name lead to that alone.
func (w *world) foreign(apart bool) []client.Object {
	meta := metav1.ObjectMeta{Namespace: w.namespace, Name: "page", Labels: map[string]string{"team": "red"}}
	pods := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "page", "version": "v1", "team": "red"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "page", Image: "page:v1"}}},
	}
	d := &appsv1.Deployment{ObjectMeta: *meta.DeepCopy(), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "page", "version": "v1"}}, Template: pods,
	}}
	d.Name = "page-v1"
	gateway := &istionet.Gateway{ObjectMeta: *meta.DeepCopy(), Spec: networking.Gateway{
		Selector: map[string]string{"istio": "ingressgateway"},
		Servers:  []*networking.Server{{Hosts: []string{"*"}, Port: &networking.Port{Name: "http", Number: 80, Protocol: "HTTP"}}},
	}}
	in := &istionet.VirtualService{ObjectMeta: *meta.DeepCopy(), Spec: networking.VirtualService{
		Hosts: []string{"*"}, Gateways: []string{"page"},
		Http: []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "page"}}}}},
	}}
	in.Name = "way-in"
	rule := &istionet.DestinationRule{ObjectMeta: *meta.DeepCopy(), Spec: networking.DestinationRule{
		Host: "page", Subsets: []*networking.Subset{{Name: "v1", Labels: map[string]string{"version": "v1"}}},
	}}
	service := &corev1.Service{ObjectMeta: *meta.DeepCopy(), Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": "page"}, Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}},
	}}
	out := []client.Object{&corev1.ServiceAccount{ObjectMeta: *meta.DeepCopy()}, d, service, rule, in, gateway}
	if !apart {
		rule.Name = "old-rule"
		return out
	}
	service.Spec.Selector["version"] = "v1"
	in.Spec.Http[0].Route[0].Destination.Subset = "v1"
	return append(out, &istionet.VirtualService{ObjectMeta: *meta.DeepCopy(), Spec: networking.VirtualService{
		Hosts: []string{"page"}, Http: []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "page", Subset: "v1"}}}}},
	}})
}

// bones are the parts of the object that its owner wrote.
func bones(t *testing.T, o client.Object) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "status")
	delete(fields, "kind")
	delete(fields, "apiVersion")
	meta := fields["metadata"].(map[string]any)
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "annotations"} {
		delete(meta, field)
	}
	text, err = json.MarshalIndent(fields, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// patiently waits longer than others do: routes are given time to settle.
func (w *world) patiently(what string, check func() error) {
	w.Helper()
	var last error
	err := wait.PollUntilContextTimeout(w.ctx, 50*time.Millisecond, 90*time.Second, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		w.Fatalf("%s: %v", what, last)
	}
}

func (w *world) exists(o client.Object) bool {
	fresh := o.DeepCopyObject().(client.Object)
	err := w.client.Get(w.ctx, client.ObjectKeyFromObject(o), fresh)
	if err != nil && !apierrors.IsNotFound(err) {
		w.Fatal(err)
	}
	return err == nil
}

// always watches that the page's Service leads to a ready pod, until stop.
func (w *world) always(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		answered := map[types.UID]bool{}
		for ctx.Err() == nil {
			if lost := w.shutOut(ctx, answered); lost != "" && ctx.Err() == nil {
				t.Error(lost)
				return
			}
			var s corev1.Service
			var pods corev1.PodList
			if w.client.Get(ctx, w.key("page"), &s) != nil || w.client.List(ctx, &pods, client.InNamespace(w.namespace), client.MatchingLabels(s.Spec.Selector)) != nil {
				continue
			}
			ready := slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return !kube.PodReady(&p, false) })
			if len(ready) == 0 && ctx.Err() == nil {
				t.Errorf("the Service leads to nobody: selector %v, %d pods", s.Spec.Selector, len(pods.Items))
				return
			}
			if lost := w.leadsNowhere(ctx, ready); lost != "" && ctx.Err() == nil {
				t.Errorf("%s; selector %v", lost, s.Spec.Selector)
				return
			}
			time.Sleep(5 * time.Millisecond) //nolint:forbidigo // the pause between looks, until the test ends
		}
	}()
	return func() { cancel(); <-done }
}

// shutOut names a pod that has answered and that no Service selects any more, though it is there: its sidecar has no way in then.
func (w *world) shutOut(ctx context.Context, answered map[types.UID]bool) string {
	var services corev1.ServiceList
	var pods corev1.PodList
	if w.client.List(ctx, &services, client.InNamespace(w.namespace)) != nil || w.client.List(ctx, &pods, client.InNamespace(w.namespace)) != nil {
		return ""
	}
	for _, p := range pods.Items {
		selected := slices.ContainsFunc(services.Items, func(s corev1.Service) bool {
			return klabels.SelectorFromSet(s.Spec.Selector).Matches(klabels.Set(p.Labels))
		})
		if answered[p.UID] && !selected && p.DeletionTimestamp == nil {
			return fmt.Sprintf("pod %s is there, and no Service selects it any more", p.Name)
		}
		answered[p.UID] = answered[p.UID] || selected && kube.PodReady(&p, false)
	}
	return ""
}

// leadsNowhere names a route to a version of the page of which the Service finds none of these pods; empty when there is none.
func (w *world) leadsNowhere(ctx context.Context, ready []corev1.Pod) string {
	var routes istionet.VirtualServiceList
	var rules istionet.DestinationRuleList
	if w.client.List(ctx, &routes, client.InNamespace(w.namespace)) != nil || w.client.List(ctx, &rules, client.InNamespace(w.namespace)) != nil {
		return ""
	}
	found := map[string]bool{"": true}
	for _, r := range rules.Items {
		for _, s := range r.Spec.Subsets {
			found[s.Name] = found[s.Name] || slices.ContainsFunc(ready, func(p corev1.Pod) bool {
				return klabels.SelectorFromSet(s.Labels).Matches(klabels.Set(p.Labels))
			})
		}
	}
	for _, v := range routes.Items {
		for _, r := range v.Spec.Http {
			if subset := r.Route[0].Destination.Subset; !found[subset] {
				return fmt.Sprintf("VirtualService %s leads to version %s, and there is no pod of it", v.Name, subset)
			}
		}
	}
	return ""
}

func TestTakeOverAndGiveBack(t *testing.T) {
	for name, apart := range map[string]bool{"the Service finds new pods": false, "the Service finds old pods alone, and so do routes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			thereAndBack(t, apart)
		})
	}
}

func thereAndBack(t *testing.T, apart bool) {
	t.Helper()
	w := newWorld(t, nil)
	objects := w.foreign(apart)
	before := map[string]string{}
	for _, o := range objects {
		if err := w.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		before[fmt.Sprintf("%T %s", o, o.GetName())] = bones(t, o)
	}
	w.eventually("the old pods are ready", func() error {
		var pods corev1.PodList
		if err := w.client.List(t.Context(), &pods, client.InNamespace(w.namespace)); err != nil || len(pods.Items) != 2 || pods.Items[1].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%d pods, %w", len(pods.Items), err)
		}
		return nil
	})
	stop := w.always(t)
	defer stop()
	follow := w.late(t)
	rule := "old-rule"
	if apart {
		rule = "page"
	}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}, Spec: api.ApplicationSpec{
		TakesOver: []api.Taken{
			{Kind: "Deployment", Name: "page-v1"}, {Kind: "Service", Name: "page"}, {Kind: "ServiceAccount", Name: "page"}, {Kind: "DestinationRule", Name: rule},
			{Kind: "VirtualService", Name: "way-in"}, {Kind: "Gateway", Name: "page"}, {Kind: "Gateway", Name: "never-was"},
		},
		Components: []api.Component{{
			Name: "page", Image: "page:v1", Version: "v1-weir", Replicas: ptr.To[int32](2), Ports: []api.Port{{Port: 80, Target: 8080}}, Expose: &api.Expose{},
		}},
	}}
	if apart {
		app.Spec.TakesOver = append(app.Spec.TakesOver, api.Taken{Kind: "VirtualService", Name: "page"})
	}
	if err := w.client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	follow(app)
	w.awaitTaken(t, app)
	var s corev1.Service
	if err := w.client.Get(t.Context(), w.key("page"), &s); err != nil || !metav1.IsControlledBy(&s, app) || s.Spec.Selector[api.LabelApplication] != "shop" {
		t.Errorf("the Service is not the application's: %+v, %v", s, err)
	}
	var d appsv1.Deployment
	if err := w.client.Get(t.Context(), w.key("page-v1"), &d); err != nil || *d.Spec.Replicas != 0 {
		t.Errorf("the old pods are there: %v, %v", d.Spec.Replicas, err)
	}
	for _, o := range objects[3:] {
		_, gateway := o.(*istionet.Gateway)
		writtenOver := o.GetName() == "page" && !gateway
		if there := w.exists(o); there != writtenOver {
			t.Errorf("%T %s is there: %t", o, o.GetName(), there)
		}
	}

	if err := w.client.Delete(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.awaitGone(t, app)
	stop()
	for _, o := range objects {
		if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(before[fmt.Sprintf("%T %s", o, o.GetName())], bones(t, o)); diff != "" {
			t.Errorf("%T is not as it was (-before +after):\n%s", o, diff)
		}
	}
	var left corev1.PodList
	if err := w.client.List(t.Context(), &left, client.InNamespace(w.namespace), client.HasLabels{api.LabelApplication}); err != nil || len(left.Items) > 0 {
		t.Errorf("%d pods of the application are left, %v", len(left.Items), err)
	}
}

// late makes an EndpointSlice of the page's Service that names an old pod. Follow waits until the Service is the application's,
// and that nothing builds on it while proxies are still told of that pod; then the slice follows.
func (w *world) late(t *testing.T) (follow func(*api.Application)) {
	t.Helper()
	var pods corev1.PodList
	if err := w.client.List(t.Context(), &pods, client.InNamespace(w.namespace)); err != nil || len(pods.Items) == 0 {
		t.Fatalf("%d pods, %v", len(pods.Items), err)
	}
	old := &pods.Items[0]
	slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{
		Addresses: []string{"192.0.2.1"}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: old.Name, UID: old.UID},
	}}}
	slice.Namespace, slice.Name, slice.Labels = w.namespace, "page-late", map[string]string{discoveryv1.LabelServiceName: "page"}
	if err := w.client.Create(t.Context(), slice); err != nil {
		t.Fatal(err)
	}
	return func(app *api.Application) {
		w.patiently("the Service leads to the new pods", func() error {
			if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(app), app); err != nil {
				return err
			}
			condition := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionTakenOver)
			if condition == nil || condition.Message != "Services lead to the new pods; callers are being told" {
				return fmt.Errorf("%+v", app.Status.Conditions)
			}
			return nil
		})
		for _, r := range app.Status.Taken {
			if r.Kind == "Service" && r.At != nil {
				t.Error("the Service counts as taken over while its EndpointSlice names an old pod")
			}
		}
		if err := w.client.Delete(t.Context(), slice); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOldPodsStayWhileNobodyCanTell takes over while istiod is away, which tells callers of the new routes.
func TestOldPodsStayWhileNobodyCanTell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, o := range w.foreign(false) {
		if err := w.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	callers.silence(w.namespace, true)
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}, Spec: api.ApplicationSpec{
		TakesOver: []api.Taken{
			{Kind: "Deployment", Name: "page-v1"}, {Kind: "Service", Name: "page"}, {Kind: "ServiceAccount", Name: "page"},
			{Kind: "DestinationRule", Name: "old-rule"},
		},
		Components: []api.Component{{Name: "page", Image: "page:v1", Version: "v1-weir", Ports: []api.Port{{Port: 80, Target: 8080}}}},
	}}
	if err := w.client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	const words = "waiting until every caller's proxy serves the routes to page (istiod does not answer)"
	w.patiently("it waits, and says for what", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); err != nil {
			return err
		}
		if c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionTakenOver); c == nil || c.Message != words {
			return fmt.Errorf("%+v", app.Status.Conditions)
		}
		return nil
	})
	var d appsv1.Deployment
	if err := w.client.Get(t.Context(), w.key("page-v1"), &d); err != nil || *d.Spec.Replicas == 0 {
		t.Errorf("the old pods are gone: %v, %v", d.Spec.Replicas, err)
	}
	callers.silence(w.namespace, false)
	w.awaitTaken(t, app)
}

func TestWithoutConsentNothingIsTaken(t *testing.T) {
	w := newWorld(t, nil)
	for _, o := range w.foreign(false) {
		if err := w.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}, Spec: api.ApplicationSpec{
		Components: []api.Component{{Name: "page", Image: "page:v1", Version: "v1-weir", Ports: []api.Port{{Port: 80}}}},
	}}
	if err := w.client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.eventually("it is refused by name", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); err != nil {
			return err
		}
		c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionApplied)
		if c == nil || c.Status != metav1.ConditionFalse || !strings.Contains(c.Message, "exists already and is not part of this application") {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
}

// awaitTaken waits until the application has taken over all that it names, and reads it.
func (w *world) awaitTaken(t *testing.T, app *api.Application) {
	t.Helper()
	w.patiently("all is taken over", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionTakenOver) {
			return fmt.Errorf("%+v", app.Status.Conditions)
		}
		return nil
	})
}

// awaitGone waits until the application is gone.
func (w *world) awaitGone(t *testing.T, app *api.Application) {
	t.Helper()
	w.patiently("the application is gone", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); !apierrors.IsNotFound(err) {
			return fmt.Errorf("%+v, %w", app.Status.Conditions, err)
		}
		return nil
	})
}

// keeper does what the controllers of StatefulSets and of garbage do: pods of a set that goes are left to themselves when that
// is asked for, and pods that a set finds become its own.
func (w *world) keeper(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.Tick(20 * time.Millisecond); ctx.Err() == nil; <-tick {
			var set appsv1.StatefulSet
			var pod corev1.Pod
			if w.client.Get(ctx, w.key("ledger"), &set) != nil || w.client.Get(ctx, w.key("ledger-0"), &pod) != nil {
				continue
			}
			if err := w.keep(ctx, &set, &pod); err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && ctx.Err() == nil {
				t.Error(err)
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (w *world) keep(ctx context.Context, set *appsv1.StatefulSet, pod *corev1.Pod) error {
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return err
	}
	switch owner := metav1.GetControllerOf(pod); {
	case set.DeletionTimestamp != nil && owner != nil:
		pod.OwnerReferences = nil
		return w.client.Update(ctx, pod)
	case set.DeletionTimestamp != nil:
		set.Finalizers = nil
		return w.client.Update(ctx, set)
	case owner == nil && selector.Matches(klabels.Set(pod.Labels)):
		if err := controllerutil.SetControllerReference(set, pod, kube.Scheme()); err != nil {
			return err
		}
		return w.client.Update(ctx, pod)
	case owner != nil && owner.UID == set.UID && set.Status.ReadyReplicas == 0:
		set.Status.Replicas, set.Status.ReadyReplicas, set.Status.ObservedGeneration = 1, 1, set.Generation
		return w.client.Status().Update(ctx, set)
	}
	return nil
}

// database is what somebody else runs: one pod with a name and a claim of its own, called by a headless Service.
func (w *world) database() []client.Object {
	labels := map[string]string{"app.kubernetes.io/name": "ledger", "tier": "store"}
	meta := metav1.ObjectMeta{Namespace: w.namespace, Name: "ledger", Labels: map[string]string{"team": "red"}}
	pods := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "ledger", Image: "ledger:v1", VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}},
	}}}}
	set := &appsv1.StatefulSet{ObjectMeta: *meta.DeepCopy(), Spec: appsv1.StatefulSetSpec{
		ServiceName: "members", Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: pods,
		VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
			ObjectMeta: metav1.ObjectMeta{Name: "data"},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}},
	}}
	service := func(name, address string) *corev1.Service {
		s := &corev1.Service{ObjectMeta: *meta.DeepCopy(), Spec: corev1.ServiceSpec{
			ClusterIP: address, Selector: labels, Ports: []corev1.ServicePort{{Name: "mysql", Port: 3306, TargetPort: intstr.FromInt32(3306)}},
		}}
		s.Name = name
		return s
	}
	return []client.Object{set, service("ledger", ""), service("members", corev1.ClusterIPNone)}
}

// TestTakeOverStatefulSet hands a set over and back, while its pod goes on running under its name.
func TestTakeOverStatefulSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	objects := w.database()
	before := make([]string, len(objects))
	for i, o := range objects {
		if err := w.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		before[i] = bones(t, o)
	}
	set := objects[0].(*appsv1.StatefulSet)
	pod := w.firstPod(t, set)
	defer w.keeper(t)()
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}, Spec: api.ApplicationSpec{
		TakesOver: []api.Taken{{Kind: "StatefulSet", Name: "ledger"}, {Kind: "Service", Name: "ledger"}},
		Components: []api.Component{{
			Name: "ledger", Kind: api.StatefulSet, Image: "ledger:v1", Mesh: new(false), Ports: []api.Port{{Port: 3306}},
			Claims: []api.Claim{{Name: "data", Path: "/data", Size: resource.MustParse("1Gi")}},
		}},
	}}
	if err := w.client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.awaitTaken(t, app)
	w.handedOver(t, app, pod)
	if err := w.client.Delete(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.awaitGone(t, app)
	for i, o := range objects {
		if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(before[i], bones(t, o)); diff != "" {
			t.Errorf("%T %s is not as it was (-before +after):\n%s", o, o.GetName(), diff)
		}
	}
	w.eventually("the pod is the old set's again", func() error {
		var now corev1.Pod
		if err := w.client.Get(t.Context(), w.key("ledger-0"), &now); err != nil {
			return err
		}
		if diff := cmp.Diff(pod.Labels, now.Labels); diff != "" || now.UID != pod.UID || !metav1.IsControlledBy(&now, objects[0]) {
			return fmt.Errorf("owners %v, labels %s", now.OwnerReferences, diff)
		}
		return nil
	})
}

// firstPod is what a StatefulSet's controller would have made.
func (w *world) firstPod(t *testing.T, set *appsv1.StatefulSet) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "ledger-0", Labels: maps.Clone(set.Spec.Template.Labels)}, Spec: *set.Spec.Template.Spec.DeepCopy(),
	}
	pod.Labels["statefulset.kubernetes.io/pod-name"] = pod.Name
	pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	if err := controllerutil.SetControllerReference(set, pod, kube.Scheme()); err != nil {
		t.Fatal(err)
	}
	if err := w.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := w.client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

// handedOver wants the application's set to have the pod as it runs, to restart nothing, and to call pods as before.
func (w *world) handedOver(t *testing.T, app *api.Application, before *corev1.Pod) {
	t.Helper()
	var set appsv1.StatefulSet
	var pod corev1.Pod
	var service corev1.Service
	for name, o := range map[string]client.Object{"ledger": &set, "ledger-0": &pod} {
		if err := w.client.Get(t.Context(), w.key(name), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.client.Get(t.Context(), w.key("ledger"), &service); err != nil {
		t.Fatal(err)
	}
	if !metav1.IsControlledBy(&set, app) || !metav1.IsControlledBy(&service, app) || !metav1.IsControlledBy(&pod, &set) {
		t.Errorf("owners of set %v, Service %v, pod %v", set.OwnerReferences, service.OwnerReferences, pod.OwnerReferences)
	}
	if pod.UID != before.UID || !klabels.SelectorFromSet(service.Spec.Selector).Matches(klabels.Set(pod.Labels)) {
		t.Errorf("the pod is another, or is not found: %v, selector %v", pod.Labels, service.Spec.Selector)
	}
	if rolling := set.Spec.UpdateStrategy.RollingUpdate; rolling == nil || *rolling.Partition < 1 {
		t.Errorf("its pods would be restarted: %+v", rolling)
	}
	if set.Spec.ServiceName != "members" {
		t.Errorf("pods would be called by %s", set.Spec.ServiceName)
	}
}
