// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/random"
	"weir.dev/weir/internal/release"
)

// TestEveryPrefix walks random applications through random releases, and holds after every single write of the controller:
// no route leads to a subset that is missing or has no pods, the weights of a route sum to 100, a host has one writer.
func TestEveryPrefix(t *testing.T) {
	writes := 0
	for seed := range uint64(30) {
		w := newWalk(seed)
		for step := range 40 {
			w.live.write(t, fmt.Sprintf("seed %d, step %d", seed, step), w.in, &writes)
			if t.Failed() {
				return
			}
			w.step()
		}
	}
	t.Logf("%d writes", writes)
	if writes < 10000 {
		t.Errorf("only %d writes were looked at, want 10000", writes)
	}
}

// walk is an application whose components are released over and over.
type walk struct {
	*rand.Rand
	in       plan.Input
	releases []*api.Release
	now      time.Time
	live     cluster
}

func newWalk(seed uint64) *walk {
	w := &walk{Rand: rand.New(rand.NewPCG(seed, 1)), in: random.Input(seed, "shop"), now: time.Unix(1e9, 0), live: cluster{}}
	w.releases = make([]*api.Release, len(w.in.Components))
	for i := range w.in.Components {
		w.settle(i, slices.Sorted(maps.Keys(w.in.Components[i].Versions))[0])
	}
	return w
}

// settle has no release under way.
func (w *walk) settle(i int, version string) {
	w.releases[i] = nil
	w.in.Components[i].Wanted = []api.VersionWanted{{Version: version, Replicas: 2, Subset: true, Weight: 100}}
}

// step takes every component one decision further. Now and then a release is deleted, wherever it stands.
func (w *walk) step() {
	w.now = w.now.Add(time.Duration(w.IntN(20)) * time.Second)
	for i := range w.in.Components {
		r := w.releases[i]
		switch {
		case r == nil:
			w.begin(i)
			continue
		case w.IntN(25) == 0:
			w.settle(i, r.Spec.From)
			continue
		case w.IntN(20) == 0:
			r.Spec.Abort = true
		case w.IntN(20) == 0:
			r.Spec.Promote = true
		}
		r.Status = release.Decide(w.now, r.Spec, r.Status, w.seen()).Status
		if len(r.Status.Wanted) > 0 {
			w.in.Components[i].Wanted = r.Status.Wanted
		}
		switch r.Status.Phase {
		case api.ReleasePromoted:
			w.settle(i, r.Spec.To)
		case api.ReleaseRolledBack:
			w.settle(i, r.Spec.From)
		}
	}
}

func (w *walk) begin(i int) {
	c := w.in.Components[i]
	from := c.Wanted[0].Version
	for to := range c.Versions {
		if to != from {
			w.releases[i] = &api.Release{Spec: api.ReleaseSpec{
				Application: w.in.Application.Name, Component: c.Spec.Name, From: from, To: to, Strategy: w.strategy(),
			}}
		}
	}
}

func (w *walk) strategy() api.StrategySpec {
	s := api.StrategySpec{}
	if w.IntN(2) == 0 {
		s.Steps = append(s.Steps, api.Step{Mirror: &api.Mirror{Percent: 50, Methods: api.MirrorSafe}})
	}
	if w.IntN(2) == 0 {
		s.Steps = append(s.Steps, api.Step{Match: []api.Match{
			{Headers: []api.NamedMatch{{Name: "a", StringMatch: api.StringMatch{Exact: "b"}}}}, {Source: w.in.Components[0].Spec.Name},
		}})
	}
	for weight := int32(1 + w.IntN(30)); weight < 100; weight += int32(1 + w.IntN(50)) {
		s.Steps = append(s.Steps, api.Step{Weight: weight})
	}
	if w.IntN(2) == 0 {
		s.Sticky = &api.Sticky{}
	}
	return s
}

// seen is mostly good news.
func (w *walk) seen() release.Seen {
	good := func() bool { return w.IntN(5) > 0 }
	pods := func() release.Pods {
		if good() {
			return release.Pods{Replicas: 2, Ready: 2, Available: true, Present: 2}
		}
		return release.Pods{}
	}
	return release.Seen{Replicas: 2, From: pods(), To: pods(), Proof: mesh.Proof{Served: good()}}
}

// cluster is what is stored, by kind and name.
type cluster map[string]plan.Object

func (c cluster) key(o plan.Object) string {
	return o.GetObjectKind().GroupVersionKind().Kind + " " + o.GetName()
}

// write does what the controller does, one write after the other, and looks after each.
func (c cluster) write(t *testing.T, when string, in plan.Input, writes *int) {
	t.Helper()
	objects, err := plan.Objects(in)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if err := plan.Check(objects); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	var rules []*istio.DestinationRule
	for _, o := range c {
		if rule, ok := o.(*istio.DestinationRule); ok {
			rules = append(rules, rule)
		}
	}
	keep := map[string]bool{}
	for _, o := range plan.Sequence(objects, rules) {
		c[c.key(o)], keep[c.key(o)] = o, true
		c.look(t, when+", after applying "+c.key(o))
		*writes++
	}
	for _, kind := range []string{"Gateway", "VirtualService", "DestinationRule", "Deployment", "Service", "ServiceAccount"} {
		for key, o := range c {
			if !keep[key] && o.GetObjectKind().GroupVersionKind().Kind == kind {
				delete(c, key)
				c.look(t, when+", after deleting "+key)
				*writes++
			}
		}
	}
}

// look holds the invariants against what is stored.
func (c cluster) look(t *testing.T, when string) {
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
func (c cluster) reach(t *testing.T, when string, d *networking.Destination) {
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

func (c cluster) hasPods(subset labels.Set) bool {
	for _, o := range c {
		if d, ok := o.(*appsv1.Deployment); ok && ptr.Deref(d.Spec.Replicas, 1) > 0 &&
			subset.AsSelector().Matches(labels.Set(d.Spec.Template.Labels)) {
			return true
		}
	}
	return false
}
