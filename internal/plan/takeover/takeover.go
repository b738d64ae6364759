// SPDX-License-Identifier: Apache-2.0

// Package takeover decides how an Application takes the place of objects that somebody else made, and gives it back, so that
// there is always somebody to answer: the new pods are there before anything leads to them, the old ones stay until every
// caller has moved, and all is remembered before it is touched.
package takeover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

const (
	// settle is how long a change of routes has to reach every proxy before the next builds on it.
	settle = 5 * time.Second
	// drain is how long requests under way to old pods have after no Service leads to them any more.
	drain = 10 * time.Second
	// again is when to look again, since objects of others are not watched.
	again = 500 * time.Millisecond
)

// Item is one object to take over, as it is now.
type Item struct {
	api.Taken
	// Record is nil until it was remembered.
	Record *api.TakenRecord
	// Exists, and Owned by the Application already. Going is true of a StatefulSet that exists and was told to go.
	Exists, Owned, Going bool
	// Same is true when the Application has an object of that kind and name: it is then written over instead of deleted.
	Same bool
	// Stale is true of a Service whose EndpointSlices name pods that it does not select any more: proxies go by these.
	Stale bool
	// Shared is true when a Service selects old and new pods alike, as it was.
	Shared bool
	// Exact is true when a rule, or a route, is as it was, and has nothing more.
	Exact bool
	// Pins is true of a route that names versions of a Service which is not shared.
	Pins bool
	// Replicas of a Deployment that are wanted, and ready. Was is how many it had. Nothing else has any.
	Replicas, Ready, Was int32
}

// Pods of a component.
type Pods struct{ Ready, Wanted int32 }

// Seen is what is known.
type Seen struct {
	Items []Item
	// Pods of every component.
	Pods map[string]Pods
	// Rules is since when the Application's rules are all there; zero while they are not. Routes are the same of its routes.
	Rules, Routes time.Time
	// Ways is since when those of its routes and gateways are all there that nothing old has the name of.
	Ways time.Time
	// Unproven are the components whose routes some caller's proxy does not serve yet. It matters only once there are routes.
	Unproven []string
	// Leaving is since when the way leads back; zero on the way there.
	Leaving time.Time
}

// Step is what to do now.
type Step struct {
	// Remember these as they are, before anything is done.
	Remember []api.Taken
	// Hold are the Services, StatefulSets and old routes that may not be written yet. Rules, and Routes, tell whether the
	// Application's own may be; Narrow whether rules may lose subsets that are not the Application's.
	Hold                  []api.Taken
	Rules, Routes, Narrow bool
	// Loosen these routes: they lead to Services alone, and name no versions of them.
	Loosen []api.Taken
	// Clear these Services: no route names versions of them from now on.
	Clear []api.Taken
	// Take these: they may be written over.
	Take []api.Taken
	// Mark these as taken over.
	Mark []api.Taken
	// Release these StatefulSets: they go, and their pods stay, to be found by the application's own of the same name.
	Release []api.Taken
	// Delete these routes, and let these Deployments have no pods.
	Delete, Empty []api.Taken
	// Done is true when all was taken over.
	Done    bool
	Message string
	Again   time.Duration
}

// All is the step of an Application that has taken over everything.
func All() Step {
	return Step{Rules: true, Routes: true, Narrow: true, Done: true, Message: "all has been taken over"}
}

// Next returns the next step of taking over.
func Next(now time.Time, s Seen) Step {
	step := Step{
		Rules: !s.Rules.IsZero(), Routes: !s.Routes.IsZero(), Again: again,
		Hold: s.where(func(i Item) bool {
			return (i.Kind == "Service" || i.Kind == "StatefulSet") && i.Exists && !i.Owned && !i.late()
		}),
	}
	if unknown := s.where(func(i Item) bool { return i.Record == nil }); len(unknown) > 0 {
		step.Remember, step.Message = unknown, "what is taken over is remembered as it is"
		return step
	}
	step.Mark = s.where(func(i Item) bool { return i.Record.At == nil && i.over() })
	if s.stateful(&step) {
		return step
	}
	if rising := s.rising(); len(rising) > 0 {
		step.Message = "pods of " + strings.Join(rising, ", ") + " start beside the old ones, which answer"
		return step
	}
	for _, phase := range []func(time.Time, *Step) bool{s.services(false), s.rules, s.routes, s.services(true), s.rest, s.empty} {
		if phase(now, &step) {
			return step
		}
	}
	if len(step.Mark) > 0 {
		step.Message = "all has been taken over"
		return step
	}
	return All()
}

// stateful sets change hands first, and no pod of them is restarted by that: what they keep could not be in two places.
func (s Seen) stateful(step *Step) bool {
	left := func(i Item) bool { return i.Kind == "StatefulSet" && !i.late() && !i.Owned }
	step.Release = s.where(func(i Item) bool { return left(i) && i.Exists })
	return stays(s.where(left), &step.Message)
}

// services that select new pods only once they are taken go first, since no route may lead to the new pods before; those
// that select both go when the routes do not need the old pods any more.
func (s Seen) services(shared bool) func(time.Time, *Step) bool {
	return func(now time.Time, step *Step) bool {
		which := func(i Item) bool { return i.Kind == "Service" && i.Shared == shared && i.Record.Was != nil }
		left := func(i Item) bool { return which(i) && i.Exists && !i.Owned }
		if !shared && s.pinned(now, step, left) {
			return true
		}
		step.Take = s.where(left)
		if len(step.Take) > 0 {
			step.Hold = slices.DeleteFunc(step.Hold, func(t api.Taken) bool { return slices.Contains(step.Take, t) })
			step.Message = "Services lead to the new pods from now on"
			return true
		}
		if !s.taken(now, settle, which) {
			step.Message = "Services lead to the new pods; callers are being told"
			return true
		}
		return false
	}
}

// pinned tells whether routes name versions of these Services, or did a moment ago: the old pods, which would not be found
// any more.
func (s Seen) pinned(now time.Time, step *Step, services func(Item) bool) bool {
	if len(s.where(services)) == 0 {
		return false
	}
	step.Message = "old routes lead to Services alone, while those change their pods; callers are being told"
	if step.Loosen = s.where(func(i Item) bool { return i.Pins && i.Exists && !i.Owned }); len(step.Loosen) > 0 {
		return true
	}
	loose := func(i Item) bool { return i.Kind == "VirtualService" && i.Exists && !i.Owned && !i.Exact }
	if len(s.where(loose)) == 0 {
		return false // there was nothing to loosen
	}
	step.Clear = s.where(func(i Item) bool { return services(i) && i.Record.Clear == nil })
	return !s.clear(now, services)
}

// clear tells whether no route has named versions of these Services for long enough.
func (s Seen) clear(now time.Time, services func(Item) bool) bool {
	return !slices.ContainsFunc(s.Items, func(i Item) bool {
		return services(i) && (i.Record.Clear == nil || i.Record.Clear.Time.Before(s.Leaving) || now.Sub(i.Record.Clear.Time) < settle)
	})
}

// rules are the Application's own, beside the old or with their subsets in them.
func (s Seen) rules(now time.Time, step *Step) bool {
	step.Rules = true
	step.Take = s.where(func(i Item) bool { return i.Kind == "DestinationRule" && i.Same && i.Exists && !i.Owned })
	if len(step.Take) > 0 || s.Rules.IsZero() || now.Sub(s.Rules) < settle {
		step.Message = "callers are being told how to reach the new pods"
		return true
	}
	return false
}

// routes are the Application's own, and then the old make way.
func (s Seen) routes(now time.Time, step *Step) bool {
	step.Routes = true
	route := func(i Item) bool { return i.Kind == "VirtualService" }
	step.Take = s.where(func(i Item) bool { return (route(i) || i.Kind == "Gateway") && i.Same && i.Exists && !i.Owned })
	if len(step.Take) > 0 && (s.Ways.IsZero() || now.Sub(s.Ways) < settle) {
		// What an old route leads to may have a route of another name from now on, as the way in has that was called like a Service.
		step.Hold, step.Take = append(step.Hold, step.Take...), nil
		step.Message = "routes of new names come first; callers are being told"
		return true
	}
	if len(step.Take) > 0 || s.Routes.IsZero() {
		step.Message = "routes lead to the new pods from now on"
		return true
	}
	if now.Sub(s.Routes) < settle {
		step.Message = "callers are being told of the application's routes"
		return true
	}
	step.Delete = s.where(func(i Item) bool { return route(i) && !i.Same && i.Exists })
	switch {
	case len(step.Delete) > 0:
		step.Message = "old routes make way for the application's own"
	case !s.taken(now, settle, route):
		step.Message = "callers are being told of the application's routes"
	case len(s.Unproven) > 0:
		step.Message = "waiting until every caller's proxy serves the routes to " + strings.Join(s.Unproven, ", ")
	default:
		return false
	}
	return true
}

// rest is what the old routes led to.
func (s Seen) rest(_ time.Time, step *Step) bool {
	step.Narrow = true
	step.Delete = s.where(func(i Item) bool { return (i.Kind == "DestinationRule" || i.Kind == "Gateway") && !i.Same && i.Exists })
	step.Message = "what the old routes led to makes way"
	return len(step.Delete) > 0
}

func (s Seen) empty(now time.Time, step *Step) bool {
	left := s.where(func(i Item) bool { return i.Kind == "Deployment" && i.Exists && i.Replicas > 0 })
	switch {
	case len(left) == 0:
		return false
	case !s.taken(now, drain, func(i Item) bool { return i.Kind == "Service" }):
		step.Message = "requests under way to the old pods end"
	default:
		step.Empty, step.Message = left, "the old pods end"
	}
	return true
}

// stays are the words for pods that go on while what made them is made anew; false when there are none.
func stays(left []api.Taken, message *string) bool {
	if len(left) == 0 {
		return false
	}
	*message = "pods of " + names(left) + " go on running while their StatefulSet changes hands"
	return true
}

// late tells whether the object was not there when the others were remembered, so that there is nothing to take over.
func (i Item) late() bool { return i.Record != nil && i.Record.Was == nil }

// over tells whether the object has given its place.
func (i Item) over() bool {
	switch i.Kind {
	case "ServiceAccount":
		return true
	case "Deployment":
		return !i.Exists || i.Replicas == 0
	case "StatefulSet":
		return i.Owned
	case "Service":
		return !i.Exists || i.Owned && !i.Stale
	default:
		return !i.Exists || i.Owned
	}
}

// where are the items that are so, in their order.
func (s Seen) where(so func(Item) bool) []api.Taken {
	var out []api.Taken
	for _, i := range s.Items {
		if so(i) {
			out = append(out, i.Taken)
		}
	}
	return out
}

// taken tells whether all of these were taken over that long ago.
func (s Seen) taken(now time.Time, long time.Duration, which func(Item) bool) bool {
	return !slices.ContainsFunc(s.Items, func(i Item) bool {
		return which(i) && (i.Record.At == nil || now.Sub(i.Record.At.Time) < long)
	})
}

// rising are the components whose pods are not all ready.
func (s Seen) rising() []string {
	var out []string
	for name, p := range s.Pods {
		if p.Ready < p.Wanted {
			out = append(out, fmt.Sprintf("%s (%d of %d ready)", name, p.Ready, p.Wanted))
		}
	}
	slices.Sort(out)
	return out
}
