// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

func (w *world) departing(t *testing.T) *api.Application {
	t.Helper()
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}, Spec: api.ApplicationSpec{Components: []api.Component{
		{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Uses: []string{"stock"}, Expose: &api.Expose{}},
		{Name: "stock", Image: "stock:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}}},
	}}}
	if err := w.client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.eventually("the application is ready", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionReady) {
			return fmt.Errorf("%+v", app.Status.Conditions)
		}
		return nil
	})
	return app
}

// left is everything of the application that there is, but its account of itself.
func (w *world) left(t *testing.T) ([]string, error) {
	t.Helper()
	var out []string
	for kind, list := range map[string]client.ObjectList{
		"Deployment": &appsv1.DeploymentList{}, "Service": &corev1.ServiceList{}, "Pod": &corev1.PodList{},
		"VirtualService": &istionet.VirtualServiceList{}, "DestinationRule": &istionet.DestinationRuleList{}, "Gateway": &istionet.GatewayList{},
		"ControllerRevision": &appsv1.ControllerRevisionList{},
	} {
		if err := w.client.List(t.Context(), list, client.InNamespace(w.namespace)); err != nil {
			return nil, err
		}
		items, err := apimeta.ExtractList(list)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			out = append(out, kind+" "+item.(client.Object).GetName())
		}
	}
	slices.Sort(out)
	return out, nil
}

func TestDelete(t *testing.T) {
	w := newWorld(t, nil)
	app := w.departing(t)
	if err := w.client.Delete(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.eventually("the way in is closed first", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionClosed) {
			return fmt.Errorf("%+v", app.Status.Conditions)
		}
		return nil
	})
	left, err := w.left(t)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(left, "Gateway shop") || !slices.Contains(left, "Deployment page-v1") {
		t.Errorf("when the way in is closed, there are %v", left)
	}
	w.eventually("the application is gone, and all of it", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is there: %+v, %w", app.Status.Conditions, err)
		}
		left, err := w.left(t)
		if err != nil || len(left) > 0 {
			return fmt.Errorf("left: %v, %w", left, err)
		}
		return nil
	})
}

func TestDeleteAndKeep(t *testing.T) {
	w := newWorld(t, nil)
	app := w.departing(t)
	before, err := w.left(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.client.Delete(t.Context(), app, client.PropagationPolicy(metav1.DeletePropagationOrphan)); err != nil {
		t.Fatal(err)
	}
	// The API server runs alone here: what else would hold the application, the cluster's garbage collector takes away.
	w.eventually("the application is let go", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); err != nil {
			return err
		}
		if len(app.Finalizers) != 1 || app.Finalizers[0] != metav1.FinalizerOrphanDependents {
			return fmt.Errorf("finalizers %v", app.Finalizers)
		}
		return nil
	})
	if after, err := w.left(t); err != nil || !slices.Equal(before, after) {
		t.Errorf("before %v, after %v, %v", before, after, err)
	}
	pods := w.collect(t, app)

	// An application of the same name goes on where that one was left.
	again := w.departing(t)
	if after, err := w.left(t); err != nil || !slices.Equal(before, after) {
		t.Errorf("before %v, and made anew %v, %v", before, after, err)
	}
	if diff := cmp.Diff(pods, w.uids(t)); diff != "" {
		t.Errorf("pods were made anew:\n%s", diff)
	}
	for _, o := range []client.Object{&appsv1.Deployment{}, &appsv1.ControllerRevision{}} {
		if err := w.client.Get(t.Context(), w.key("page-v1"), o); err != nil || !metav1.IsControlledBy(o, again) {
			t.Errorf("%T is not the new application's: %v, %v", o, o.GetOwnerReferences(), err)
		}
	}
}

// collect does what the garbage collector does when dependents are to be orphaned, and returns the pods there are.
func (w *world) collect(t *testing.T, app *api.Application) map[string]types.UID {
	t.Helper()
	for _, list := range []client.ObjectList{
		&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &istionet.VirtualServiceList{}, &istionet.DestinationRuleList{},
		&istionet.GatewayList{}, &appsv1.ControllerRevisionList{},
	} {
		if err := w.client.List(t.Context(), list, client.InNamespace(w.namespace), client.HasLabels{api.LabelApplication}); err != nil {
			t.Fatal(err)
		}
		items, err := apimeta.ExtractList(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			o := item.(client.Object)
			before := o.DeepCopyObject().(client.Object)
			o.SetOwnerReferences(nil)
			if err := w.client.Patch(t.Context(), o, client.MergeFrom(before)); err != nil {
				t.Fatal(err)
			}
		}
	}
	pods := w.uids(t)
	app.Finalizers = nil
	if err := w.client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.eventually("the application is gone", func() error {
		if err := w.client.Get(t.Context(), w.key("shop"), app); !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is there: %w", err)
		}
		return nil
	})
	return pods
}

// uids of the pods, by name.
func (w *world) uids(t *testing.T) map[string]types.UID {
	t.Helper()
	var pods corev1.PodList
	if err := w.client.List(t.Context(), &pods, client.InNamespace(w.namespace)); err != nil {
		t.Fatal(err)
	}
	out := map[string]types.UID{}
	for _, p := range pods.Items {
		out[p.Name] = p.UID
	}
	return out
}
