// SPDX-License-Identifier: Apache-2.0

package application

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/takeover"
)

// bridgeSuffix follows the name of a Service in that of its bridge.
const bridgeSuffix = "-bridge"

// bridge is a Service that nobody calls: it selects the pods that the given one selects, and is about to leave. The sidecar of
// a pod that no Service selects has no way in, and requests that are still on their way to it would be answered with 503.
// There is none for a Service without an address of its own, whose pods are called by theirs and keep both names while their
// StatefulSet changes hands.
func bridge(app *api.Application, of *unstructured.Unstructured) ([]plan.Object, error) {
	var service corev1.Service
	if err := decode(of, &service); err != nil {
		return nil, fmt.Errorf("read Service %s: %w", of.GetName(), err)
	}
	if service.Spec.ClusterIP == corev1.ClusterIPNone {
		return nil, nil
	}
	out := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: owner.Meta(app, service.Name, service.Name+bridgeSuffix),
		Spec:       corev1.ServiceSpec{Selector: service.Spec.Selector},
	}
	for _, p := range service.Spec.Ports {
		p.NodePort = 0
		out.Spec.Ports = append(out.Spec.Ports, p)
	}
	return []plan.Object{out}, nil
}

// bridges are those of the Services that leave the old pods when they are taken over.
func bridges(app *api.Application, items []takeover.Item) ([]plan.Object, error) {
	var out []plan.Object
	for _, i := range items {
		old := was(i.Record)
		if i.Kind != "Service" || old == nil {
			continue
		}
		made, err := bridge(app, old)
		if err != nil {
			return nil, err
		}
		out = append(out, made...)
	}
	return out, nil
}
