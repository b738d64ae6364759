// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"maps"
	"slices"
	"sync"
	"time"

	"weir.dev/weir/internal/mesh"
)

const (
	// patience is how long a sign that a push is complete is waited for before one is caused, at least; leisure is at most.
	patience, leisure = 200 * time.Millisecond, time.Second
	// longPatience is the same for any push at all after the weights changed, which istiod may hold back a while.
	longPatience = 5 * time.Second
	// relook is how long a dump is used while such a sign is waited for: a later push is one.
	relook = 100 * time.Millisecond
	// pause is the least time between two pushes that are caused at one istiod, and effort what it grows to with every
	// proxy that has to be told all.
	pause, effort = time.Second, 10 * time.Millisecond
	// start is how long a proxy that has accepted no listeners yet counts as one that will be a caller.
	start = 10 * time.Second
)

// connection is one proxy at one istiod.
type connection struct{ istiod, id string }

// memory is what was seen of the callers of one host.
type memory struct {
	mu      sync.Mutex
	route   mesh.Route
	entries map[connection]*entry
	// absent are the proxies that run, are connected to no istiod, and were not seen before: they may be callers.
	absent map[string]bool
	nudged map[string]time.Time
	// early are the istiods' newest pushes that were seen before the weights or routes changed, at asked.
	early map[string]version
	asked time.Time

	finding sync.Mutex
	// findings are what dumps showed of the route to those that are alike, as long as any is.
	findings map[alike]finding
}

// finding is what a dump of a push showed, and when it was asked for.
type finding struct {
	verdict verdict
	version version
	at      time.Time
}

func newMemory() *memory {
	return &memory{entries: map[connection]*entry{}, nudged: map[string]time.Time{}}
}

// ask sets the route that is asked about. Verdicts on another one are void, and when the weights or the name change, so is
// every configuration that was sent before: even if it showed the same once, the change that leads back to it is still to
// come. A name is of HTTP routes alone, so that streams may stay as they are when nothing else changes.
func (m *memory) ask(route mesh.Route, now time.Time) {
	if same(m.route, route) {
		return
	}
	known := m.route.Host != ""
	reweighed := known && !maps.Equal(m.route.Weights, route.Weights)
	renamed := known && m.route.Name != route.Name
	moved := !slices.Equal(m.route.Ports, route.Ports)
	m.route, m.findings = route, nil
	if reweighed || renamed {
		m.early, m.asked = m.newest(), now
	}
	for _, e := range m.entries {
		e.void(moved)
		switch {
		case reweighed:
			e.barred = e.status.shape()
		case renamed:
			e.barred.routes = e.status.shape().routes
		}
	}
}

// newest are the istiods' last pushes of which anything was sent.
func (m *memory) newest() map[string]version {
	out := map[string]version{}
	for key, e := range m.entries {
		out[key.istiod] = later(out[key.istiod], e.status.sent)
	}
	return out
}

// old is true when what the connection was sent is no later than a push from before the change. Made anew, that has the old
// routes: a dump would tell nothing, and the push that changes them may be beginning.
func (m *memory) old(e *entry, now time.Time) bool {
	return e.judged && e.verdict.caller() && now.Sub(m.asked) < longPatience && e.status.sent.atMost(m.early[e.status.istiod])
}

func same(a, b mesh.Route) bool {
	return a.Host == b.Host && a.Name == b.Name && slices.Equal(a.Ports, b.Ports) && slices.Equal(a.Subsets, b.Subsets) &&
		maps.Equal(a.Weights, b.Weights)
}

// entry returns what is known of the connection.
func (m *memory) entry(s status) *entry {
	key := connection{s.istiod, s.id}
	if m.entries[key] == nil {
		m.entries[key] = &entry{}
	}
	return m.entries[key]
}

// see takes in a status of all proxies, and the names of those that run without one. They run what they had, and count
// as what they were found to be. before tells what each connection had been sent before its istiod renewed its cache.
func (m *memory) see(fleet []status, absent map[string]bool, before func(connection) shape, now time.Time) {
	for _, s := range fleet {
		e := m.entry(s)
		e.renewed = before(connection{s.istiod, s.id})
		e.see(s, now)
	}
	m.share()
	m.forget(fleet)
	m.absent = maps.Clone(absent)
	for key, e := range m.entries {
		switch {
		case e.seen.Equal(now):
		case absent[key.id]:
			e.due = time.Time{}
			delete(m.absent, key.id)
		default:
			delete(m.entries, key)
		}
	}
}

// find keeps what a dump showed, unless that may change without a push.
func (m *memory) find(of alike, f finding) {
	m.finding.Lock()
	defer m.finding.Unlock()
	if m.findings == nil {
		m.findings = map[alike]finding{}
	}
	if delete(m.findings, of); f.verdict.good() || !f.verdict.caller() {
		m.findings[of] = f
	}
}

// forget drops the findings of what no proxy was sent last.
func (m *memory) forget(fleet []status) {
	here := make(map[alike]bool, len(fleet))
	for _, s := range fleet {
		here[s.alike()] = true
	}
	maps.DeleteFunc(m.findings, func(of alike, _ finding) bool { return !here[of] })
}

// tell judges the connection by what was found out about another that is alike, since istiod's cache was renewed, and tells
// whether there was any. The status at hand was read after that.
func (m *memory) tell(e *entry, renewed, now time.Time) bool {
	f, known := m.findings[e.status.alike()]
	if !known || !f.at.After(renewed) || e.waits(now) {
		return false
	}
	e.judge(f, false, now)
	e.see(e.status, now)
	return true
}

// share proves those that only lack a sign that their push is complete by one that is alike and lacks nothing.
func (m *memory) share() {
	proven := map[alike]bool{}
	for _, e := range m.entries {
		if e.proven {
			proven[e.status.alike()] = true
		}
	}
	for _, e := range m.entries {
		if e.undecided() && proven[e.status.alike()] {
			e.prove()
		}
	}
}

// undecided are the istiods that should push once more, marked as told. The greater the effort, the longer a sign is waited for
// that comes of itself, and the longer they rest.
func (m *memory) undecided(efforts map[string]time.Duration, now time.Time) (bases []string) {
	for key, e := range m.entries {
		all := efforts[key.istiod]
		late := !e.due.IsZero() && now.After(e.due.Add(min(max(all, patience), leisure)-patience))
		if late && now.Sub(m.nudged[key.istiod]) > max(all, pause) {
			m.nudged[key.istiod] = now
			bases = append(bases, key.istiod)
		}
	}
	return bases
}

// differing are the istiods some of whose callers were told for long what is not the route.
func (m *memory) differing(now time.Time) map[string]bool {
	bases := map[string]bool{}
	for key, e := range m.entries {
		if !e.differs.IsZero() && now.Sub(e.differs) > longPatience {
			bases[key.istiod] = true
		}
	}
	return bases
}

// proof sums up. A proxy counts once, and lags when any of its connections does.
func (m *memory) proof() mesh.Proof {
	callers, lagging := map[string]bool{}, map[string]bool{}
	for _, e := range m.entries {
		if !e.judged || e.verdict.caller() {
			callers[e.status.name()] = true
		}
		if !e.served() {
			lagging[e.status.name()] = true
		}
	}
	for id := range m.absent {
		name := status{id: id}.name()
		callers[name], lagging[name] = true, true
	}
	return mesh.Proof{
		Served: len(lagging) == 0, Method: Method, Proxies: len(callers), Lagging: slices.Sorted(maps.Keys(lagging)),
	}
}

// entry is what is known of one connection.
type entry struct {
	status status
	// first and seen are when a status was read first and last.
	first, seen time.Time

	// judged is true when verdict holds for the route that is asked about. It was found in a dump of push version, asked
	// for at looked, when shape and endpoints had been sent.
	judged    bool
	verdict   verdict
	version   version
	shape     shape
	endpoints string
	looked    time.Time
	// complete is a push that showed the route and is known to have been sent in full; zero for none.
	complete version

	// proven is true when the proxy serves the route since shape was sent.
	proven bool
	// barred is what was sent before the weights changed, renewed before istiod's cache was renewed.
	barred, renewed shape
	// differs is since when the last dump has not been the route; zero when it is.
	differs time.Time
	// due is when a push is to be caused, because nothing but a sign of one is missing; zero when it is not.
	due time.Time
}

// void forgets what was found out about another route. Who calls the host stays known, unless the ports moved.
func (e *entry) void(moved bool) {
	e.proven, e.complete, e.due, e.differs = false, version{}, time.Time{}, time.Time{}
	if moved {
		e.judged = false
	}
	if e.verdict.caller() {
		e.verdict.missing = "not looked at yet"
		e.shape = shape{}
	}
}

// see takes in a status; when it was read after a good dump, it may be the proof.
func (e *entry) see(s status, now time.Time) {
	if e.first.IsZero() {
		e.first = now
	}
	e.status, e.seen = s, now
	if e.proven && e.shape == s.shape() && !s.doubled {
		return
	}
	e.proven = false
	switch {
	case s.doubled || !e.judged || !e.verdict.caller():
		e.due = time.Time{}
	case e.old():
		e.wait(now, longPatience)
	case !e.verdict.good() || !s.sent.atMost(e.version) || !e.accepted():
		e.due = time.Time{}
	case e.version.atMost(s.acked) || s.sent.atMost(e.complete):
		e.prove()
	default:
		e.wait(now, patience)
	}
}

func (e *entry) prove() { e.proven, e.shape, e.due = true, e.status.shape(), time.Time{} }

func (e *entry) wait(now time.Time, patience time.Duration) {
	if e.due.IsZero() {
		e.due = now.Add(patience)
	}
}

// undecided is true when nothing but a sign that the push is complete is missing.
func (e *entry) undecided() bool { return !e.due.IsZero() && !e.old() }

// accepted is true when the proxy has accepted all it was sent of what its calls to the host depend on.
func (e *entry) accepted() bool {
	s, v := e.status, e.verdict
	return s.clusters.inSync() && s.endpoints.inSync() &&
		(!v.http || s.routes.inSync()) && (!v.tcp || s.listeners.inSync())
}

// old is true when the weights that the proxy has are from before they were changed, or of a cache that may be spoiled.
func (e *entry) old() bool { return e.from(e.barred) || e.from(e.renewed) }

// from is true when the weights that the proxy has are those that were sent with the shape.
func (e *entry) from(of shape) bool {
	s, v := e.status, e.verdict
	return of != shape{} && (v.http && s.routes.sent == of.routes || v.tcp && s.listeners.sent == of.listeners)
}

// served is true for a caller that serves the route, and for a proxy that is no caller.
func (e *entry) served() bool {
	if !e.judged {
		return false
	}
	if e.verdict.caller() {
		return e.proven
	}
	// Without listeners it takes no requests; it may be starting, and become a caller in a moment.
	starting := e.status.listeners.acked == "" && e.seen.Sub(e.first) < start
	return !starting
}

// stale is true when a dump is needed to know whether the proxy serves the route.
func (e *entry) stale(now time.Time) bool {
	s := e.status
	switch {
	case s.doubled || e.proven:
		return false
	case !e.judged:
		return true
	case !e.verdict.caller():
		return s.shape() != e.shape
	case e.old():
		return false
	case e.verdict.good():
		return !s.sent.atMost(e.version) || e.waits(now)
	default:
		return s.shape() != e.shape || s.endpoints.sent != e.endpoints
	}
}

// waits is true when another dump is due, since a later push is a sign that this one is complete.
func (e *entry) waits(now time.Time) bool {
	return e.judged && e.verdict.good() && !e.due.IsZero() && now.Sub(e.looked) > relook
}

// judge takes in what a dump of a push says. own is false when it is the dump of a proxy that is alike, which tells
// what this one was or will be sent, but not how far it has come.
func (e *entry) judge(f finding, own bool, now time.Time) {
	verdict, push := f.verdict, f.version
	switch {
	case !verdict.good():
		e.complete = version{}
	case own && e.judged && e.verdict.good() && !push.atMost(e.version):
		e.complete = e.version
	}
	switch {
	case verdict.good() || !verdict.caller():
		e.differs = time.Time{}
	case e.differs.IsZero():
		e.differs = now
	}
	e.judged, e.verdict, e.version = true, verdict, push
	e.shape, e.endpoints, e.looked = e.status.shape(), e.status.endpoints.sent, now
}
