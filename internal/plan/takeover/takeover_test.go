// SPDX-License-Identifier: Apache-2.0

package takeover

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
)

var start = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

// kinds of a case: whether the Service selects both sorts of pods, whether names are the same, whether old routes pin
// requests to old pods, and whether the old route leads in from outside, for which the application has one of another name.
// late is how long the EndpointSlices of the Service follow it.
type setting struct {
	shared, same, pinned, outside bool
	late                          time.Duration
}

// world is what the cluster would do, and what callers would see.
type world struct {
	setting

	t     *testing.T
	now   time.Time
	items []Item
	pods  Pods
	// newUp and oldUp are when the pods of each side are ready.
	newUp, oldUp time.Time
	unproven     bool
	// asked and listed are whose pods the Service, and its EndpointSlices, lead to: the application's, or not. follows is when the
	// second will be as the first is.
	asked, listed bool
	follows       time.Time
	// own rules and routes, and since when. first tells whether the old route is older, and so the one that counts.
	rules, routes time.Time
	first         bool
	// in is since when the application's route from outside is there.
	in time.Time
	// subsets of the rule that has one name: those of the old and of the new pods. loose is an old route that names none.
	oldSubset, newSubset, loose bool
	left                        time.Time
	views                       []view
	log                         []string
}

// view is what a proxy may know: which pods the Service leads to, which routes there are, and which subsets.
type view struct {
	until  time.Time
	pods   pods
	routes routes
	rules  rules
}

type (
	pods   struct{ old, own bool }
	routes struct{ old, own, first, loose, in bool }
	rules  struct{ old, own bool }
)

// lag is how late a proxy may learn of a change. Pods, routes and rules come to it by different ways.
const lag = 4 * time.Second

func newWorld(t *testing.T, s setting) *world {
	t.Helper()
	w := &world{setting: s, t: t, now: start, pods: Pods{Wanted: 2}, newUp: start.Add(7 * time.Second), first: true, oldSubset: true}
	kinds := []string{"Deployment", "Service", "ServiceAccount", "Gateway"}
	if s.pinned {
		kinds = append(kinds, "VirtualService", "DestinationRule")
	}
	for _, kind := range kinds {
		i := Item{Taken: api.Taken{Kind: kind, Name: "page"}, Exists: true, Shared: s.shared, Same: s.same && kind != "Deployment", Exact: true}
		if kind == "Deployment" {
			i.Replicas, i.Ready, i.Was = 2, 2, 2
		}
		w.items = append(w.items, i)
	}
	return w
}

func (w *world) item(kind string) *Item {
	i := slices.IndexFunc(w.items, func(i Item) bool { return i.Kind == kind })
	if i < 0 {
		return &Item{}
	}
	return &w.items[i]
}

func (w *world) do(what string, taken []api.Taken, do func(*Item)) {
	for _, t := range taken {
		w.log = append(w.log, what+" "+t.Kind)
		do(w.item(t.Kind))
	}
}

// live brings the world to now, and looks whether callers are answered.
func (w *world) live() {
	w.t.Helper()
	w.pods.Ready = 0
	if !w.now.Before(w.newUp) {
		w.pods.Ready = w.pods.Wanted
	}
	if d := w.item("Deployment"); !w.now.Before(w.oldUp) {
		d.Ready = d.Replicas
	} else {
		d.Ready = min(d.Ready, d.Replicas)
	}
	old, own := w.item("Deployment").Ready, w.pods.Ready
	if w.item("Service").Owned != w.asked {
		w.asked, w.follows = !w.asked, w.now.Add(w.late)
	}
	if !w.now.Before(w.follows) {
		w.listed = w.asked
	}
	if w.listed {
		old = 0
	} else if !w.shared {
		own = 0
	}
	v, rule := w.item("VirtualService"), w.item("DestinationRule")
	now := view{
		pods: pods{old > 0, own > 0},
		routes: routes{
			old: v.Exists && !v.Owned, own: !w.routes.IsZero() && (!w.same || !w.pinned || v.Owned), first: w.first, loose: w.loose,
			in: !w.in.IsZero(),
		},
		rules: rules{rule.Exists && (!w.same || w.oldSubset), !w.rules.IsZero() && (!w.same || !w.pinned || w.newSubset)},
	}
	w.views = slices.DeleteFunc(w.views, func(v view) bool { return v.until.Before(w.now.Add(-lag)) })
	if n := len(w.views); n == 0 || w.views[n-1].pods != now.pods || w.views[n-1].routes != now.routes || w.views[n-1].rules != now.rules {
		w.views = append(w.views, now)
	}
	w.views[len(w.views)-1].until = w.now
	for _, p := range w.views {
		if p.pods.old && w.item("Deployment").Ready == 0 || p.pods.own && w.pods.Ready == 0 {
			w.t.Fatalf("%s: a proxy may still know pods that ended; %s", w.now.Sub(start), strings.Join(w.log, ", "))
		}
		for _, r := range w.views {
			if w.outside && !p.routes.old && !r.routes.in {
				w.t.Fatalf("%s: nothing leads in from outside; %s", w.now.Sub(start), strings.Join(w.log, ", "))
			}
			for _, u := range w.views {
				if why := lost(p.pods, r.routes, u.rules); why != "" {
					w.t.Fatalf("%s: %s: pods %+v, routes %+v, rules %+v; %s", w.now.Sub(start), why, p.pods, r.routes, u.rules, strings.Join(w.log, ", "))
				}
			}
		}
	}
}

// lost says why a request is, if it is.
func lost(p pods, r routes, u rules) string {
	switch {
	case !p.old && !p.own:
		return "the Service leads to nobody"
	case r.old && (r.first || !r.own):
		if !r.loose && (!p.old || !u.old) {
			return "the old route leads to nobody"
		}
	case r.own && (!p.own || !u.own):
		return "the own route leads to nobody"
	}
	return ""
}

func (w *world) seen() Seen {
	s := Seen{Items: slices.Clone(w.items), Pods: map[string]Pods{"page": w.pods}, Rules: w.rules, Routes: w.routes, Ways: start, Leaving: w.left}
	if w.outside {
		s.Ways = w.in
	}
	for i := range s.Items {
		if s.Items[i].Kind == "Service" {
			s.Items[i].Stale = w.item("Service").Owned != w.listed
		}
		if s.Items[i].Kind == "VirtualService" {
			s.Items[i].Pins = !w.shared && !w.loose && !s.Items[i].Owned
		}
	}
	if w.unproven {
		s.Unproven = []string{"page"}
	}
	return s
}

// forward takes one step; lost are writes that do not come through.
func (w *world) forward(lost func() bool) Step {
	step := Next(w.now, w.seen())
	w.do("remember", step.Remember, func(i *Item) {
		i.Record = &api.TakenRecord{Kind: i.Kind, Name: i.Name, Was: &runtime.RawExtension{}}
	})
	allowed := func(kind string) bool {
		return slices.ContainsFunc(step.Take, func(t api.Taken) bool { return t.Kind == kind }) || w.item(kind).Owned || !w.same || !w.item(kind).Exists
	}
	if !lost() {
		w.do("take", step.Take, func(i *Item) {
			if i.Record == nil {
				w.t.Fatalf("%s is touched before it was remembered", i.Kind)
			}
			i.Owned, i.Exact = true, false
		})
		if step.Rules && w.rules.IsZero() && allowed("DestinationRule") {
			w.rules, w.newSubset = w.now, true
		}
		if step.Routes && w.routes.IsZero() && allowed("VirtualService") {
			w.routes = w.now
		}
		if step.Routes && w.outside && w.in.IsZero() {
			w.in = w.now
			w.log = append(w.log, "lead in")
		}
		if step.Narrow && w.same {
			w.oldSubset = false
		}
	}
	if !lost() {
		w.do("loosen", step.Loosen, func(i *Item) { w.loose, i.Exact = true, false })
		w.do("delete", step.Delete, func(i *Item) { i.Exists = false })
		w.do("empty", step.Empty, func(i *Item) { i.Replicas = 0 })
	}
	for _, t := range step.Mark {
		w.item(t.Kind).Record.At = ptr.To(metav1.NewMicroTime(w.now))
	}
	for _, t := range step.Clear {
		w.item(t.Kind).Record.Clear = ptr.To(metav1.NewMicroTime(w.now))
	}
	return step
}

func (w *world) back(lost func() bool) Return {
	if w.left.IsZero() {
		w.left = w.now
	}
	s := w.seen()
	s.Items = slices.DeleteFunc(s.Items, func(i Item) bool { return i.Record == nil })
	r := Back(w.now, s, !w.routes.IsZero() && (!w.same || !w.pinned || w.item("VirtualService").Owned))
	if !lost() {
		w.do("fill", r.Fill, func(i *Item) { i.Replicas = i.Was; w.oldUp = w.now.Add(6 * time.Second) })
		w.do("restore", r.Restore, func(i *Item) {
			if i.Kind == "VirtualService" && !i.Exists {
				w.first = false // made anew, it is the younger of two
			}
			switch i.Kind {
			case "DestinationRule":
				w.oldSubset = true
			case "VirtualService":
				w.loose = !w.shared
				i.Exact = w.shared
			}
			i.Exists, i.Owned = true, false
		})
		w.do("trim", r.Trim, func(i *Item) {
			if i.Exact = true; i.Kind == "DestinationRule" {
				w.newSubset = false
			} else {
				w.loose = false
			}
		})
		if r.Routes {
			w.routes, w.in = time.Time{}, time.Time{}
			w.log = append(w.log, "delete own routes")
		}
	}
	for _, t := range r.Mark {
		w.item(t.Kind).Record.Back = ptr.To(metav1.NewMicroTime(w.now))
	}
	for _, t := range r.Clear {
		w.item(t.Kind).Record.Clear = ptr.To(metav1.NewMicroTime(w.now))
	}
	return r
}

func never() bool { return false }

// run goes on until done says so.
func (w *world) run(step func() (done bool, message string)) {
	w.t.Helper()
	for end := w.now.Add(10 * time.Minute); w.now.Before(end); w.now = w.now.Add(again) {
		w.live()
		done, message := step()
		w.live()
		if done {
			return
		}
		if message == "" {
			w.t.Fatal("a step without words")
		}
	}
	w.t.Fatalf("it does not end: %s", strings.Join(w.log, ", "))
}

func settings() map[string]setting {
	return map[string]setting{
		"plain":                              {shared: true},
		"the Service selects old pods alone": {},
		"the same names":                     {shared: true, same: true},
		"old routes":                         {shared: true, pinned: true},
		"old routes of the same names":       {shared: true, pinned: true, same: true},
		"old pods alone and the same names":  {same: true},
		"old pods alone and old routes":      {pinned: true},
		"old pods alone and routes of names": {pinned: true, same: true},
		"a way in of a route's name":         {shared: true, pinned: true, same: true, outside: true},
		"a way in, and old pods alone":       {pinned: true, same: true, outside: true},
		"a Service that is followed late":    {shared: true, pinned: true, late: 20 * time.Second},
		"old pods alone, followed late":      {pinned: true, same: true, late: 20 * time.Second},
	}
}

func TestThereAndBack(t *testing.T) {
	for name, s := range settings() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, s)
			w.run(func() (bool, string) { s := w.forward(never); return s.Done, s.Message })
			if d := w.item("Deployment"); d.Ready != 0 || !w.item("Service").Owned {
				t.Errorf("it is not taken over: %v", w.log)
			}
			w.run(func() (bool, string) { r := w.back(never); return r.Done, r.Message })
			w.asItWas()
		})
	}
}

func TestOrder(t *testing.T) {
	w := newWorld(t, setting{shared: true, pinned: true})
	w.run(func() (bool, string) { s := w.forward(never); return s.Done, s.Message })
	w.run(func() (bool, string) { r := w.back(never); return r.Done, r.Message })
	want := []string{
		"delete VirtualService", "take Service", "delete Gateway", "delete DestinationRule", "empty Deployment",
		"fill Deployment", "restore Service", "restore Gateway", "restore DestinationRule", "restore VirtualService", "delete own routes",
	}
	if got := slices.DeleteFunc(w.log, func(s string) bool { return strings.HasPrefix(s, "remember") }); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func (w *world) asItWas() {
	w.t.Helper()
	for _, i := range w.items {
		if !i.Exists || i.Owned || !i.Exact && i.Kind != "Service" && i.Kind != "Gateway" && i.Kind != "ServiceAccount" || i.Kind == "Deployment" && i.Ready != i.Was {
			w.t.Errorf("%s is not as it was: %+v; %v", i.Kind, i, w.log)
		}
	}
}

// TestInterrupted loses writes at random, gives up at any moment and goes back from there.
func TestInterrupted(t *testing.T) {
	for name, s := range settings() {
		for seed := range uint64(200) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				lost := func() bool { return random.IntN(4) == 0 }
				w := newWorld(t, s)
				steps := random.IntN(120)
				w.run(func() (bool, string) {
					s := w.forward(lost)
					w.unproven = random.IntN(5) == 0
					steps--
					return s.Done || steps < 0, s.Message
				})
				w.run(func() (bool, string) { r := w.back(lost); return r.Done, r.Message })
				w.asItWas()
			})
		}
	}
}

func TestNothingIsOwedWithoutTheOldDeployments(t *testing.T) {
	w := newWorld(t, setting{shared: true})
	w.run(func() (bool, string) { s := w.forward(never); return s.Done, s.Message })
	w.item("Deployment").Exists = false
	if r := Back(w.now, w.seen(), true); !r.Done {
		t.Errorf("there is nobody to give back to, yet %+v", r)
	}
}

func TestWaitsForProof(t *testing.T) {
	w := newWorld(t, setting{shared: true, pinned: true})
	w.unproven = true
	for range 200 {
		w.live()
		if s := w.forward(never); s.Done || len(s.Empty) > 0 || w.item("Service").Owned {
			t.Fatal("the old pods go before every caller has moved")
		}
		w.now = w.now.Add(again)
	}
	w.unproven = false
	w.run(func() (bool, string) { s := w.forward(never); return s.Done, s.Message })
}

// cabinet is a StatefulSet with its Service, and a cluster that lets a set go only a while after it was told to.
type cabinet struct {
	now          time.Time
	set, service Item
	random       *rand.Rand
	lossy        bool
}

func (c *cabinet) lost() bool { return c.lossy && c.random.IntN(3) == 0 }

func (c *cabinet) seen() Seen {
	pods := map[string]Pods{}
	if c.set.Owned {
		pods["db"] = Pods{Ready: 2, Wanted: 2}
	}
	return Seen{Items: []Item{c.set, c.service}, Pods: pods, Rules: start, Routes: start, Ways: start}
}

func (c *cabinet) each(taken []api.Taken, do func(*Item)) {
	for _, t := range taken {
		if t == c.set.Taken {
			do(&c.set)
		} else {
			do(&c.service)
		}
	}
}

func (c *cabinet) release(taken []api.Taken) {
	if len(taken) > 0 && !c.lost() {
		c.set.Going = true
	}
	if c.set.Going && c.random.IntN(2) == 0 {
		c.set.Exists, c.set.Owned, c.set.Going = false, false, false
	}
}

func (c *cabinet) forward() bool {
	step := Next(c.now, c.seen())
	c.each(step.Remember, func(i *Item) { i.Record = &api.TakenRecord{Was: &runtime.RawExtension{}} })
	held := slices.Contains(step.Hold, c.set.Taken)
	if !c.set.Exists && !held && !c.lost() {
		c.set.Exists, c.set.Owned = true, true
	}
	c.each(step.Take, func(i *Item) { i.Owned = !c.lost() })
	c.each(step.Mark, func(i *Item) { i.Record.At = ptr.To(metav1.NewMicroTime(c.now)) })
	c.release(step.Release)
	return step.Done
}

func (c *cabinet) back() bool {
	step := Back(c.now, c.seen(), false)
	c.each(step.Restore, func(i *Item) {
		if !c.lost() {
			i.Exists, i.Owned = true, false
		}
	})
	c.each(step.Mark, func(i *Item) { i.Record.Back = ptr.To(metav1.NewMicroTime(c.now)) })
	c.release(step.Release)
	return step.Done
}

func (c *cabinet) run(t *testing.T, step func() bool) {
	t.Helper()
	for range 1000 {
		if step() {
			return
		}
		c.now = c.now.Add(again)
	}
	t.Fatalf("it does not end: %+v", c)
}

func TestStatefulSet(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := &cabinet{
				now: start, random: rand.New(rand.NewPCG(seed, 2)), lossy: seed > 0,
				set:     Item{Taken: api.Taken{Kind: "StatefulSet", Name: "db"}, Exists: true},
				service: Item{Taken: api.Taken{Kind: "Service", Name: "db"}, Exists: true, Shared: true},
			}
			steps := c.random.IntN(60)
			c.run(t, func() bool { steps--; return c.forward() || c.lossy && steps < 0 })
			if !c.lossy && (!c.set.Owned || !c.service.Owned) {
				t.Fatalf("it is not taken over: %+v", c)
			}
			c.run(t, c.back)
			if !c.set.Exists || c.set.Owned || c.set.Going || c.service.Owned {
				t.Errorf("it is not as it was: %+v", c)
			}
		})
	}
}

func TestWhatComesLateIsLeft(t *testing.T) {
	late := &api.TakenRecord{At: ptr.To(metav1.NewMicroTime(start))}
	s := Seen{Rules: start, Routes: start, Items: []Item{
		{Taken: api.Taken{Kind: "StatefulSet", Name: "db"}, Exists: true, Record: late},
		{Taken: api.Taken{Kind: "Service", Name: "db"}, Exists: true, Record: late},
	}}
	if step := Next(start.Add(time.Minute), s); !step.Done || len(step.Hold)+len(step.Take)+len(step.Release) > 0 {
		t.Errorf("what was not there when all was remembered is touched: %+v", step)
	}
}
