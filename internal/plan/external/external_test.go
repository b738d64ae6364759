// SPDX-License-Identifier: Apache-2.0

package external_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/external"
)

func deployment(name, version string, replicas, available int32) appsv1.Deployment {
	d := appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DeploymentSpec{Replicas: ptr.To(replicas)}}
	d.Spec.Template.Labels = map[string]string{"app": "reviews", "version": version}
	d.Status = appsv1.DeploymentStatus{Replicas: replicas, UpdatedReplicas: replicas, AvailableReplicas: available}
	return d
}

func service(selector map[string]string, port int32) *corev1.Service {
	return &corev1.Service{Spec: corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Port: port}}}}
}

func TestLacks(t *testing.T) {
	app := map[string]string{"app": "reviews"}
	c := api.Component{Name: "reviews", Ports: []api.Port{{Port: 9080}}}
	for name, tt := range map[string]struct {
		service *corev1.Service
		version string
		want    string
	}{
		"nothing":                 {service(app, 9080), "v1", ""},
		"a Deployment":            {service(app, 9080), "v3", "no Deployment has pods with the labels app: reviews and version: v3"},
		"a Deployment with pods":  {service(app, 9080), "v0", "no Deployment has pods"},
		"a Service":               {nil, "v1", "there is no Service reviews"},
		"a port":                  {service(app, 80), "v1", "Service reviews has no port 9080"},
		"a Service of all":        {service(map[string]string{"app": "reviews", "version": "v1"}, 9080), "v2", "does not select the pods of Deployment two"},
		"a Service that selects":  {service(nil, 9080), "v1", "does not select the pods"},
		"nothing, for the narrow": {service(map[string]string{"app": "reviews", "version": "v1"}, 9080), "v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := external.Seen{Component: "reviews", Service: tt.service, Deployments: []appsv1.Deployment{
				deployment("one", "v1", 2, 2), deployment("two", "v2", 1, 1), deployment("zero", "v0", 0, 0),
			}}
			if got := s.Lacks(c, tt.version); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("it lacks %q, want %q", got, tt.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	pod := func(version, application string) corev1.Pod {
		p := corev1.Pod{}
		p.Labels = map[string]string{"app": "reviews", "version": version}
		if application != "" {
			p.Labels[api.LabelApplication] = application
		}
		return p
	}
	s := external.Seen{
		Deployments: []appsv1.Deployment{deployment("a", "v1", 2, 2), deployment("b", "v1", 1, 1), deployment("c", "v2", 2, 1)},
		Pods:        []corev1.Pod{pod("v1", ""), pod("v1", "shop"), pod("v2", "")},
	}
	if w := s.Version("v1"); w.Replicas != 3 || !w.Settled || len(w.Pods) != 1 {
		t.Errorf("v1: %d pods told, settled %v, %d there", w.Replicas, w.Settled, len(w.Pods))
	}
	if w := s.Version("v2"); w.Settled {
		t.Error("v2 is settled, with a pod that is not available")
	}
	if w := s.Version("v3"); w.Settled || w.Replicas != 0 {
		t.Errorf("v3: %+v", w)
	}
}

func TestOf(t *testing.T) {
	theirs := deployment("x", "v1", 1, 1)
	ours := deployment("y", "v1", 1, 1)
	ours.Labels = map[string]string{api.LabelApplication: "shop"}
	if external.Of(&theirs) != "reviews" || external.Of(&ours) != "" {
		t.Errorf("theirs is of %q, ours of %q", external.Of(&theirs), external.Of(&ours))
	}
}
