// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	api "weir.dev/weir/api/v1alpha1"
)

// object writes "Kind name < Owner owner" with labels after it.
func object(text string, labels ...string) metav1.PartialObjectMetadata {
	self, owner, owned := strings.Cut(text, " < ")
	kind, name, _ := strings.Cut(self, " ")
	o := metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: kind}, ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(self), Labels: map[string]string{}}}
	if owned {
		o.OwnerReferences = []metav1.OwnerReference{{UID: types.UID(owner)}}
	}
	for _, label := range labels {
		key, value, _ := strings.Cut(label, "=")
		o.Labels[key] = value
	}
	return o
}

func shop() *api.Application {
	return &api.Application{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "Application shop"},
		Spec: api.ApplicationSpec{Components: []api.Component{
			{
				Name: "page", Strategy: "careful", PullSecrets: []string{"registry"},
				Volumes: []api.Volume{{Name: "v", ConfigMap: "settings"}, {Name: "w", Secret: "not-there"}},
				Env:     []corev1.EnvVar{{Name: "K", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "key"}}}}},
			},
			{Name: "db", Kind: api.StatefulSet, Claims: []api.Claim{{Name: "data"}}},
		}},
	}
}

func TestOf(t *testing.T) {
	all := []metav1.PartialObjectMetadata{
		object("Application shop"), object("ServiceAccount page < Application shop"), object("Pod page-v1-abc-1 < ReplicaSet page-v1-abc"),
		object("ReplicaSet page-v1-abc < Deployment page-v1"), object("Deployment page-v1 < Application shop"), object("Service page < Application shop"),
		object("EndpointSlice page-x < Service page"), object("Gateway shop < Application shop"), object("VirtualService page < Application shop"),
		object("Widget w < Deployment page-v1"),
		object("Deployment other"), object("ConfigMap settings"), object("Secret registry"), object("Secret key"), object("Secret else"),
		object("PersistentVolumeClaim data-db-0", "weir.dev/application=shop"), object("PersistentVolumeClaim data-db-x"), object("Strategy careful"),
		object("Service by-hand", "weir.dev/application=shop"), object("HorizontalPodAutoscaler page"),
	}
	got := Of(shop(), all, []Reference{
		{From: Item{Kind: "HorizontalPodAutoscaler", Name: "page"}, Kind: "Deployment", Name: "page-v1"},
		{From: Item{Kind: "VirtualService", Name: "page"}, Kind: "Service", Name: "page"},
		{From: Item{Kind: "Ingress", Name: "in"}, Kind: "Service", Name: "other"},
	})
	want := Departure{
		Goes: []Item{
			{Kind: "Application", Name: "shop"}, {Kind: "Gateway", Name: "shop"}, {Kind: "Deployment", Name: "page-v1"}, {Kind: "ReplicaSet", Name: "page-v1-abc"},
			{Kind: "Pod", Name: "page-v1-abc-1"}, {Kind: "VirtualService", Name: "page"}, {Kind: "Service", Name: "page"}, {Kind: "EndpointSlice", Name: "page-x"},
			{Kind: "Widget", Name: "w"}, {Kind: "ServiceAccount", Name: "page"},
		},
		Stays: []Item{
			{"ConfigMap", "settings", ours}, {"PersistentVolumeClaim", "data-db-0", data + "; kubectl delete pvc data-db-0"},
			{"Secret", "key", ours}, {"Secret", "registry", ours},
			{"Service", "by-hand", "it has the label weir.dev/application, but the application does not own it"},
			{"Strategy", "careful", "other applications may name it; kubectl delete strategy careful"},
		},
		Dangles: []Item{{"HorizontalPodAutoscaler", "page", "it names Deployment page-v1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOfAdopted(t *testing.T) {
	was := &runtime.RawExtension{Raw: []byte("{}")}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "Application shop"}}
	for _, t := range []api.Taken{{Kind: "Deployment", Name: "page-old"}, {Kind: "Service", Name: "page"}, {Kind: "StatefulSet", Name: "db"}, {Kind: "Service", Name: "late"}} {
		app.Spec.TakesOver = append(app.Spec.TakesOver, t)
		record := api.TakenRecord{Kind: t.Kind, Name: t.Name}
		if t.Name != "late" {
			record.Was = was
		}
		app.Status.Taken = append(app.Status.Taken, record)
	}
	got := Of(app, []metav1.PartialObjectMetadata{
		object("Application shop"), object("Deployment page-old"), object("Deployment page-v1 < Application shop"), object("Service page < Application shop"),
		object("EndpointSlice page-x < Service page"), object("StatefulSet db < Application shop"), object("Pod db-0 < StatefulSet db"),
		object("Service late < Application shop"),
	}, nil)
	want := Departure{
		Goes: []Item{{Kind: "Application", Name: "shop"}, {Kind: "Deployment", Name: "page-v1"}, {Kind: "Service", Name: "late"}},
		Returns: []Item{
			{"Deployment", "page-old", returns["Deployment"]}, {"Service", "page", returns["Service"]}, {"StatefulSet", "db", returns["StatefulSet"]},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOrphans(t *testing.T) {
	made := []string{"app.kubernetes.io/managed-by=weir", "weir.dev/application=gone"}
	all := []metav1.PartialObjectMetadata{
		object("Service page", made...), object("Deployment page-v1", made...), object("Pod p < ReplicaSet r", made...), object("ReplicaSet r < Deployment page-v1", made...),
		object("VirtualService left < Application gone", made...), object("PersistentVolumeClaim data-db-0", made...),
		object("Service by-hand", "weir.dev/application=gone"),
		object("Service fine < Application shop", "app.kubernetes.io/managed-by=weir", "weir.dev/application=shop"), object("Application shop"),
		object("Deployment page-v0", "app.kubernetes.io/managed-by=weir", "weir.dev/application=shop"),
		object("Pod passing", "app.kubernetes.io/managed-by=weir", "weir.dev/application=shop"),
	}
	var got []string
	for _, o := range Orphans([]api.Application{*shop()}, all) {
		got = append(got, o.Kind+" "+o.Name)
	}
	if diff := cmp.Diff([]string{"Deployment page-v0", "Deployment page-v1", "VirtualService left", "Service page"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
