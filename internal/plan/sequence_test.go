// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"weir.dev/weir/internal/plan"
)

func TestSequenceKeepsPortsAndSubsetsUntilTheRoutesAreWritten(t *testing.T) {
	protocol := "http"
	old := corev1.ServicePort{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, AppProtocol: &protocol, TargetPort: intstr.FromInt32(8080)}
	unnamed := corev1.ServicePort{Port: 90, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromString("out")}
	wanted := corev1.ServicePort{Name: "http-new", Port: 81, TargetPort: intstr.FromInt32(8081)}
	named := unnamed
	named.Name = "port-90"

	service, rule := &corev1.Service{}, &istio.DestinationRule{}
	service.Name, rule.Name = "reviews", "reviews"
	service.Spec.Ports = []corev1.ServicePort{wanted}
	rule.Spec.Subsets = []*networking.Subset{{Name: "v2"}}
	routes := &istio.VirtualService{ObjectMeta: metav1.ObjectMeta{Name: "reviews"}}
	liveService, liveRule := service.DeepCopy(), rule.DeepCopy()
	liveService.Spec.Ports = []corev1.ServicePort{old, unnamed}
	liveRule.Spec.Subsets = []*networking.Subset{{Name: "v1"}, {Name: "v2"}}

	got := plan.Sequence([]plan.Object{service, rule, routes}, []plan.Object{liveService, liveRule})

	if len(got) != 5 || got[2] != plan.Object(routes) || got[3] != plan.Object(service) || got[4] != plan.Object(rule) {
		t.Fatalf("want the Service and the rule as they are wanted after the routes, got %v", got)
	}
	first, ok := got[0].(*corev1.Service)
	if !ok {
		t.Fatalf("want a Service first, got %T", got[0])
	}
	if diff := cmp.Diff([]corev1.ServicePort{wanted, old, named}, first.Spec.Ports); diff != "" {
		t.Errorf("ports before the routes (-want +got):\n%s", diff)
	}
	second, ok := got[1].(*istio.DestinationRule)
	if !ok {
		t.Fatalf("want a rule second, got %T", got[1])
	}
	var names []string
	for _, s := range second.Spec.Subsets {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"v2", "v1"}, names); diff != "" {
		t.Errorf("subsets before the routes (-want +got):\n%s", diff)
	}
}
