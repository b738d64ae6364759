// SPDX-License-Identifier: Apache-2.0

package workload_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/workload"
)

// closed are the fields of a PodSpec that a template may not set, since Weir answers for them.
var closed = []string{"HostNetwork", "ServiceAccountName", "DeprecatedServiceAccount"}

// TestTemplateReachesEveryField sets each field of a PodSpec alone, with all that is below it, and finds it in the pods.
func TestTemplateReachesEveryField(t *testing.T) {
	fill := randfill.NewWithSeed(1).NilChance(0).NumElements(1, 1).MaxDepth(12).Funcs(
		func(q *resource.Quantity, _ randfill.Continue) { *q = resource.MustParse("1") },
		func(i *intstr.IntOrString, c randfill.Continue) { *i = intstr.FromInt32(1 + c.Int31()) },
		func(b *bool, _ randfill.Continue) { *b = true },
		func(m *metav1.ObjectMeta, _ randfill.Continue) { m.Labels = map[string]string{"team": "web"} },
	)
	kind := reflect.TypeFor[corev1.PodSpec]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		t.Run(name, func(t *testing.T) {
			var said corev1.PodSpec
			fill.Fill(reflect.ValueOf(&said).Elem().Field(i).Addr().Interface())
			raw, err := json.Marshal(said)
			if err != nil {
				t.Fatal(err)
			}
			c := component(t, "{ports: [{port: 8080}]}")
			c.Template = &api.Template{Spec: &runtime.RawExtension{Raw: only(t, raw, kind.Field(i).Tag.Get("json"))}}
			faults := workload.CheckTemplate(c)
			if slices.Contains(closed, name) {
				if len(faults) == 0 {
					t.Error("it is not refused")
				}
				return
			}
			if len(faults) > 0 {
				t.Fatalf("refused: %v", faults)
			}
			a := &api.Application{}
			a.Namespace, a.Name = "shop", "shop"
			d, err := workload.Deployment(a, c, api.VersionWanted{Version: "v1", Replicas: 1})
			if err != nil {
				t.Fatal(err)
			}
			has(t, reflect.ValueOf(said).Field(i), reflect.ValueOf(d.Spec.Template.Spec).Field(i))
		})
	}
}

// only keeps one field of the JSON.
func only(t *testing.T, raw []byte, tag string) []byte {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(tag, ",")
	out, err := json.Marshal(map[string]json.RawMessage{name: all[name]})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// has wants the value, or each element of a list, since Weir has some of its own.
func has(t *testing.T, want, got reflect.Value) {
	t.Helper()
	same := func(a, b reflect.Value) bool { return text(t, a) == text(t, b) }
	if want.Kind() != reflect.Slice {
		if !same(want, got) {
			t.Errorf("(-want +got):\n%s", cmp.Diff(text(t, want), text(t, got)))
		}
		return
	}
	for i := range want.Len() {
		found := false
		for j := range got.Len() {
			found = found || same(want.Index(i), got.Index(j))
		}
		if !found {
			t.Errorf("%s is not in\n%s", text(t, want.Index(i)), text(t, got))
		}
	}
}

func text(t *testing.T, v reflect.Value) string {
	t.Helper()
	out, err := json.Marshal(v.Interface())
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
