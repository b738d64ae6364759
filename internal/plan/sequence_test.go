// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
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

	got, later := plan.Sequence([]plan.Object{service, rule, routes}, []plan.Object{liveService, liveRule})

	if len(got) != 3 || got[2] != plan.Object(routes) || !slices.Equal(later, []plan.Object{service, rule}) {
		t.Fatalf("want the Service and the rule as they are wanted after the routes, got %v and then %v", got, later)
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

func TestSequenceKeepsTheNamesOfPorts(t *testing.T) {
	http, tcp := "http", "tcp"
	p := func(name string, number int32, protocol *string) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Port: number, AppProtocol: protocol}
	}
	for name, tt := range map[string]struct{ live, wanted, want []corev1.ServicePort }{
		"a name is given later": {
			[]corev1.ServicePort{p("http-80", 80, &http)}, []corev1.ServicePort{p("http-api", 80, &http)},
			[]corev1.ServicePort{p("http-80", 80, &http)},
		},
		"the name moves to another number": {
			[]corev1.ServicePort{p("tcp-api", 70, &tcp)}, []corev1.ServicePort{p("tcp-api", 80, &tcp)},
			[]corev1.ServicePort{p("tcp-80", 80, &tcp), p("tcp-api", 70, &tcp)},
		},
		"what stood in its way is gone": {
			[]corev1.ServicePort{p("tcp-80", 80, &tcp), p("tcp-api", 70, &tcp)}, []corev1.ServicePort{p("tcp-api", 80, &tcp)},
			[]corev1.ServicePort{p("tcp-80", 80, &tcp), p("tcp-api", 70, &tcp)},
		},
		"something else is spoken": {
			[]corev1.ServicePort{p("tcp-80", 80, &tcp)}, []corev1.ServicePort{p("http-80", 80, &http)},
			[]corev1.ServicePort{p("http-80", 80, &http)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			service, live := &corev1.Service{}, &corev1.Service{}
			service.Spec.Ports, live.Spec.Ports = tt.wanted, tt.live
			first, _ := plan.Sequence([]plan.Object{service}, []plan.Object{live})
			got, ok := first[0].(*corev1.Service)
			if !ok {
				t.Fatal("want a Service first")
			}
			if diff := cmp.Diff(tt.want, got.Spec.Ports); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
