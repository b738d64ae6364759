// SPDX-License-Identifier: Apache-2.0

package takeover

import (
	"slices"
	"strings"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

// Return is what to do now on the way back.
type Return struct {
	// Fill these Deployments with as many pods as they had.
	Fill []api.Taken
	// Restore these as they were; rules beside the subsets that they have by now, and routes without naming versions of
	// Services that are not shared.
	Restore []api.Taken
	// Trim these rules and routes to what they were.
	Trim []api.Taken
	// Release these StatefulSets, whose pods stay and are found by the old ones of the same name.
	Release []api.Taken
	// Mark these as given back.
	Mark []api.Taken
	// Routes is true when the Application's own routes are to be deleted. What they lead to stays until the last, since
	// proxies may still know them.
	Routes bool
	// Clear these Services: the Application's own routes name no versions of them any more.
	Clear []api.Taken
	// Done is true when nothing more is owed.
	Done    bool
	Message string
	Again   time.Duration
}

// Back returns the next step of giving back, the way there in reverse. Its items are those that were remembered. Routes
// tells whether the Application still has routes of its own. Once somebody has deleted the old Deployments, and there is no
// StatefulSet, nothing is given back.
func Back(now time.Time, s Seen, routes bool) Return {
	old := func(i Item) bool { return i.Kind == "Deployment" && i.Exists }
	if len(s.where(func(i Item) bool { return old(i) || i.Kind == "StatefulSet" })) == 0 {
		return Return{Done: true}
	}
	r := Return{Again: again}
	if r.Fill = s.where(func(i Item) bool { return old(i) && i.Replicas < i.Was }); len(r.Fill) > 0 {
		r.Message = "the old pods start again"
		return r
	}
	if rising := s.where(func(i Item) bool { return old(i) && i.Ready < i.Was }); len(rising) > 0 {
		r.Message = "waiting for the old pods of " + names(rising) + "; meanwhile the application's own answer"
		return r
	}
	r.Mark = s.where(func(i Item) bool { return i.Record.Back == nil && i.returned() })
	service := func(shared bool) func(Item) bool {
		return func(i Item) bool { return i.Kind == "Service" && i.Exists && i.Shared == shared }
	}
	route := func(i Item) bool { return i.Kind == "VirtualService" }
	rule := func(i Item) bool { return i.Kind == "DestinationRule" || i.Kind == "Gateway" }
	for _, phase := range []struct {
		which func(Item) bool
		words string
	}{
		{service(true), "Services lead to the old pods, too"}, {rule, "the old rules come back"}, {route, "the old routes come back"},
	} {
		if s.bring(now, &r, phase.which, phase.words) {
			return r
		}
	}
	if routes {
		r.Routes, r.Message = true, "the application's own routes go"
		return r
	}
	left := func(i Item) bool { return service(false)(i) && !i.restored() }
	if r.Clear = s.where(func(i Item) bool {
		return left(i) && (i.Record.Clear == nil || i.Record.Clear.Time.Before(s.Leaving))
	}); len(r.Clear) > 0 || !s.clear(now, left) {
		r.Message = "the application's own routes are gone; callers are being told"
		return r
	}
	if s.bring(now, &r, service(false), "Services lead to the old pods") {
		return r
	}
	exact := func(i Item) bool { return (route(i) || i.Kind == "DestinationRule") && i.Exists && !i.Exact }
	if r.Trim = s.where(exact); len(r.Trim) > 0 {
		r.Message = "the old rules and routes are as they were"
		return r
	}
	if s.unseat(&r) {
		return r
	}
	r.Done, r.Again = true, 0
	return r
}

// unseat gives StatefulSets back, and no pod of them is restarted by that.
func (s Seen) unseat(r *Return) bool {
	left := func(i Item) bool { return i.Kind == "StatefulSet" && !i.returned() }
	r.Release = s.where(func(i Item) bool { return left(i) && i.Exists })
	r.Restore = s.where(func(i Item) bool { return left(i) && !i.Exists })
	return stays(s.where(left), &r.Message)
}

// bring restores what is not back yet, and waits until it has been for long enough. It is false when that is so.
func (s Seen) bring(now time.Time, r *Return, which func(Item) bool, words string) bool {
	if r.Restore = s.where(func(i Item) bool { return which(i) && !i.restored() }); len(r.Restore) > 0 {
		r.Message = words
		return true
	}
	if slices.ContainsFunc(s.Items, func(i Item) bool {
		return which(i) && (i.Record.Back == nil || now.Sub(i.Record.Back.Time) < settle)
	}) {
		r.Message = words + "; callers are being told"
		return true
	}
	return false
}

// returned tells whether the object has its place again, and what goes by it has followed.
func (i Item) returned() bool { return i.restored() && !i.Stale }

// restored tells whether the object is there again.
func (i Item) restored() bool {
	if i.Kind == "Deployment" {
		return i.Exists && i.Ready >= i.Was
	}
	return i.Exists && !i.Owned && !i.Going
}

func names(taken []api.Taken) string {
	var out []string
	for _, t := range taken {
		out = append(out, t.Name)
	}
	return strings.Join(out, ", ")
}
