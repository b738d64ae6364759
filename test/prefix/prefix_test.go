// SPDX-License-Identifier: Apache-2.0

package prefix

import (
	"fmt"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"weir.dev/weir/internal/plan"
)

// TestEveryPrefix holds after every single write: no route leads to a subset that is missing or has no pods, the weights of
// a route sum to 100, a host has one writer. Folder istio has Istio's own opinion of the same.
func TestEveryPrefix(t *testing.T) {
	writes := 0
	for seed := range uint64(30) {
		err := Walk(seed, 40, func(when string, stored Stored, _ plan.Object) {
			stored.look(t, when)
			writes++
		})
		if err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d writes", writes)
	if writes < 10000 {
		t.Errorf("only %d writes were looked at, want 10000", writes)
	}
}

// look holds the invariants against what is stored.
func (c Stored) look(t *testing.T, when string) {
	t.Helper()
	writers := map[string]string{}
	for key, o := range c {
		vs, ok := o.(*istio.VirtualService)
		if !ok {
			continue
		}
		for _, host := range vs.Spec.Hosts {
			at := fmt.Sprint(host, vs.Spec.Gateways)
			if other, taken := writers[at]; taken {
				t.Errorf("%s: %s and %s both write %s", when, key, other, at)
			}
			writers[at] = key
		}
		for _, route := range vs.Spec.Http {
			sum := int32(0)
			for _, d := range route.Route {
				sum += d.Weight
				c.reach(t, when+", "+route.Name, d.Destination)
			}
			for _, m := range route.Mirrors {
				c.reach(t, when+", copies of "+route.Name, m.Destination)
			}
			if sum != 100 {
				t.Errorf("%s: the weights of %s sum to %d", when, route.Name, sum)
			}
		}
		for _, route := range vs.Spec.Tcp {
			sum := int32(0)
			for _, d := range route.Route {
				sum += d.Weight
				c.reach(t, when+", tcp of "+key, d.Destination)
			}
			if sum != 100 {
				t.Errorf("%s: the weights of %s sum to %d", when, key, sum)
			}
		}
	}
}

// reach finds the subset of a destination, and pods of it.
func (c Stored) reach(t *testing.T, when string, d *networking.Destination) {
	t.Helper()
	if d.Subset == "" {
		return
	}
	for _, o := range c {
		rule, ok := o.(*istio.DestinationRule)
		if !ok || rule.Spec.Host != d.Host {
			continue
		}
		for _, s := range rule.Spec.Subsets {
			if s.Name == d.Subset && c.hasPods(s.Labels) {
				return
			}
		}
	}
	t.Errorf("%s: subset %s of %s is missing or has no pods", when, d.Subset, d.Host)
}

func (c Stored) hasPods(subset labels.Set) bool {
	for _, o := range c {
		if d, ok := o.(*appsv1.Deployment); ok && ptr.Deref(d.Spec.Replicas, 1) > 0 &&
			subset.AsSelector().Matches(labels.Set(d.Spec.Template.Labels)) {
			return true
		}
	}
	return false
}
