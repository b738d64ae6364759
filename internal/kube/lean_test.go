// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// meta is that of an object of which each text lies in memory of its own.
func meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: strings.Clone("shop"), Name: "reviews", Annotations: map[string]string{"note": "kept"}, Labels: labeled(),
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "weir.dev/v1alpha1", Kind: "Application", Name: strings.Clone("books"), UID: "7"}},
	}
}

func labeled() map[string]string { return map[string]string{"app": strings.Clone("reviews")} }

func TestLeanChangesNothingThatIsRead(t *testing.T) {
	deployment := func() *appsv1.Deployment {
		d := &appsv1.Deployment{ObjectMeta: meta(), Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labeled()}}}
		d.Spec.Template.Labels = labeled()
		return d
	}
	written := deployment()
	written.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	for name, tt := range map[string]struct{ have, want any }{
		"deployment":                  {written, deployment()},
		"deployment without selector": {&appsv1.Deployment{ObjectMeta: meta()}, &appsv1.Deployment{ObjectMeta: meta()}},
		"service": {
			&corev1.Service{ObjectMeta: meta(), Spec: corev1.ServiceSpec{Selector: labeled()}},
			&corev1.Service{ObjectMeta: meta(), Spec: corev1.ServiceSpec{Selector: labeled()}},
		},
		"nothing in it":    {&corev1.Pod{}, &corev1.Pod{}},
		"no object":        {cache.DeletedFinalStateUnknown{Key: "shop/reviews"}, cache.DeletedFinalStateUnknown{Key: "shop/reviews"}},
		"nothing but meta": {&corev1.ServiceAccount{ObjectMeta: meta()}, &corev1.ServiceAccount{ObjectMeta: meta()}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Lean(tt.have)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestLeanHoldsTextsOnce(t *testing.T) {
	made := func() client.Object {
		got, err := Lean(&corev1.Service{ObjectMeta: meta(), Spec: corev1.ServiceSpec{Selector: labeled()}})
		if err != nil {
			t.Fatal(err)
		}
		return got.(client.Object)
	}
	first, second := made(), made()
	for name, pair := range map[string][2]string{
		"namespace": {first.GetNamespace(), second.GetNamespace()},
		"label":     {first.GetLabels()["app"], second.GetLabels()["app"]},
		"owner":     {first.GetOwnerReferences()[0].Name, second.GetOwnerReferences()[0].Name},
		"selector":  {first.GetLabels()["app"], second.(*corev1.Service).Spec.Selector["app"]},
	} {
		if unsafe.StringData(pair[0]) != unsafe.StringData(pair[1]) {
			t.Errorf("%s: each has a copy", name)
		}
	}
}
