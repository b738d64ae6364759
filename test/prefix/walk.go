// SPDX-License-Identifier: Apache-2.0

// Package prefix plays random Applications through random releases, and shows what is stored after every single write: a
// controller may die after any of them, and proxies may see any of them.
package prefix

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/random"
	"weir.dev/weir/internal/release"
)

// Visit looks at all that is stored after a write. The object is the one that was written, nil when one was deleted; when
// tells which write it was.
type Visit func(when string, stored Stored, written plan.Object)

// Walk takes the random Application of the seed through random releases, so many decisions of each component, and visits
// every prefix of what the controller writes on the way.
func Walk(seed uint64, steps int, visit Visit) error { return walkAs(right, seed, steps, visit) }

// manner is how the controller writes.
type manner struct {
	// writes are the objects in the order in which they are written, before and after what is not wanted any more goes.
	writes func(objects, live []plan.Object) (first, later []plan.Object)
	// first lets what is not wanted any more go before anything is written.
	first bool
}

var right = manner{writes: plan.Sequence}

func walkAs(m manner, seed uint64, steps int, visit Visit) error {
	w := newWalk(seed)
	for step := range steps {
		if err := w.live.write(m, fmt.Sprintf("seed %d, step %d", seed, step), w.in, visit); err != nil {
			return err
		}
		w.step()
	}
	return nil
}

// walk is an application whose components are released over and over.
type walk struct {
	*rand.Rand
	in       plan.Input
	releases []*api.Release
	now      time.Time
	live     Stored
}

func newWalk(seed uint64) *walk {
	w := &walk{Rand: rand.New(rand.NewPCG(seed, 1)), in: random.Input(seed, "shop"), now: time.Unix(1e9, 0), live: Stored{}}
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
		case w.IntN(20) == 1:
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
		default:
		}
	}
}

// begin releases any other version.
func (w *walk) begin(i int) {
	c := w.in.Components[i]
	from := c.Wanted[0].Version
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(c.Versions)), func(v string) bool { return v == from })
	if len(others) == 0 {
		return
	}
	w.releases[i] = &api.Release{Spec: api.ReleaseSpec{
		Application: w.in.Application.Name, Component: c.Spec.Name, From: from, To: others[w.IntN(len(others))], Strategy: w.strategy(),
	}}
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

// Stored is what is stored, by kind and name.
type Stored map[string]plan.Object

func key(o plan.Object) string {
	return o.GetObjectKind().GroupVersionKind().Kind + " " + o.GetName()
}

// write does what the controller does, one write after the other.
func (c Stored) write(m manner, when string, in plan.Input, visit Visit) error {
	objects, err := plan.Objects(in)
	if err == nil {
		err = plan.Check(objects)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	keep := map[string]bool{}
	for _, o := range objects {
		keep[key(o)] = true
	}
	if m.first {
		c.prune(keep, when, visit)
	}
	first, later := m.writes(objects, c.live())
	c.apply(first, when, visit)
	c.prune(keep, when, visit)
	c.apply(later, when, visit)
	return nil
}

func (c Stored) apply(objects []plan.Object, when string, visit Visit) {
	for _, o := range objects {
		c[key(o)] = o
		visit(when+", after applying "+key(o), c, o)
	}
}

// prune deletes what is not to be kept, routes before what they lead to.
func (c Stored) prune(keep map[string]bool, when string, visit Visit) {
	for _, kind := range []string{"Gateway", "VirtualService", "DestinationRule", "HorizontalPodAutoscaler", "Deployment", "Service",
		"ServiceAccount"} {
		for _, name := range slices.Sorted(maps.Keys(c)) {
			if !keep[name] && c[name].GetObjectKind().GroupVersionKind().Kind == kind {
				delete(c, name)
				visit(when+", after deleting "+name, c, nil)
			}
		}
	}
}

// live is what the controller has read before it writes, in a fixed order.
func (c Stored) live() []plan.Object {
	var out []plan.Object
	for _, name := range slices.Sorted(maps.Keys(c)) {
		out = append(out, c[name])
	}
	return out
}
