// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"

	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/random"
)

// FuzzObjects holds that whatever the API accepts becomes objects with valid names that may reach the mesh.
func FuzzObjects(f *testing.F) {
	for seed := range uint64(500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		objects, err := plan.Objects(random.Input(seed, "shop"))
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Check(objects); err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			for _, fault := range faults(o) {
				t.Errorf("%T %s: %s", o, o.GetName(), fault)
			}
		}
	})
}

// faults returns what Kubernetes and Istio would refuse about the names in an object.
func faults(o plan.Object) []string {
	out := validation.IsDNS1123Label(o.GetName())
	out = append(out, labelFaults(o.GetLabels())...)
	switch o := o.(type) {
	case *corev1.Service:
		out = append(out, validation.IsDNS1035Label(o.Name)...)
		for _, p := range o.Spec.Ports {
			out = append(out, validation.IsDNS1123Label(p.Name)...)
			out = append(out, validation.IsValidPortNum(int(p.Port))...)
		}
	case *appsv1.Deployment:
		out = append(out, labelFaults(o.Spec.Template.Labels)...)
		for _, p := range o.Spec.Template.Spec.Containers[0].Ports {
			out = append(out, validation.IsValidPortName(p.Name)...)
		}
	case *istio.DestinationRule:
		for _, s := range o.Spec.Subsets {
			out = append(out, validation.IsDNS1123Label(s.Name)...)
			out = append(out, labelFaults(s.Labels)...)
		}
	}
	return out
}

func labelFaults(labels map[string]string) []string {
	var out []string
	for key, value := range labels {
		out = append(out, validation.IsQualifiedName(key)...)
		out = append(out, validation.IsValidLabelValue(value)...)
	}
	return out
}
