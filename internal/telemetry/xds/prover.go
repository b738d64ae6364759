// SPDX-License-Identifier: Apache-2.0

// Package xds proves that the proxies of every caller serve a route, by asking istiod what it sent and what they accepted.
//
// What istiod says, and what follows from it:
//
//   - A nonce is the name of the push it belongs to (a time and a number that rises) and a UUID. /debug/syncz tells, per
//     proxy, the nonces sent and accepted last for clusters, endpoints, listeners and routes.
//   - /debug/config_dump generates a proxy's configuration anew from the push context the proxy was last assigned, and
//     names that push. The assignment happens *before* anything of the push is sent, so a dump alone proves nothing, nor
//     does a proxy that has accepted all that was sent: both are true in between.
//   - One goroutine serves a connection. It reads what the proxy accepts only between pushes. So when anything of push N
//     or of a later one was accepted, push N has been sent in full.
//
// Hence a proxy serves the route when a dump of push N shows it, when a status read after that dump shows that the
// proxy accepted all it was sent, nothing of it being of a later push, and when something it accepted is of push N or
// later. A push may need nothing to be sent to a proxy. Then a dump of a still later push tells that push N is complete,
// or another proxy of the same ReplicaSet does that was sent the same; and if neither comes, istiod is asked to push.
package xds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"weir.dev/weir/internal/mesh"
)

// Method is the name of this way to prove.
const Method = "istiod-sync"

const (
	// parallel is how many dumps are asked for at a time.
	parallel = 4
	// deadline of one proof.
	deadline = 10 * time.Second
)

// Prover asks istiod. It is safe for concurrent use, and remembers what it saw of each host.
type Prover struct {
	endpoints func(context.Context) ([]string, error)
	istiods   istiods
	roster    roster
	caches    caches
	now       func() time.Time

	mu    sync.Mutex
	hosts map[string]*memory
}

// New proves with the istiods whose base URLs endpoints returns, such as http://10.0.0.7:15014, and which accept token.
// The proxies of pods that istiod does not name are waited for.
func New(
	endpoints func(context.Context) ([]string, error), token func(context.Context) (string, error), pods Pods,
) *Prover {
	return &Prover{
		endpoints: endpoints, istiods: newIstiods(token), roster: roster{pods: pods},
		caches: caches{istiods: map[string]*istiodCache{}}, now: time.Now, hosts: map[string]*memory{},
	}
}

// Prove says how far the callers of the route's host are. It waits for nothing: ask again after 50 to 100 ms. A call
// costs one status of every istiod; if anything new was sent, also a dump for each ReplicaSet concerned and one more status.
//
// A proxy that has no route to the host is no caller. An error, after 10 s at most, means that nothing is known.
func (p *Prover) Prove(ctx context.Context, route mesh.Route) (mesh.Proof, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	m := p.remember(route.Host)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ask(route, p.now())
	fleet, err := p.see(ctx, m)
	if err != nil {
		return mesh.Proof{}, err
	}
	looked, err := p.look(ctx, m, fleet)
	if err != nil {
		return mesh.Proof{}, err
	}
	if looked {
		if fleet, err = p.see(ctx, m); err != nil {
			return mesh.Proof{}, err
		}
	}
	p.nudge(ctx, m, fleet)
	p.renew(ctx, m, fleet)
	return m.proof(), nil
}

// remember returns what is remembered of the host.
func (p *Prover) remember(host string) *memory {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hosts[host] == nil {
		p.hosts[host] = newMemory()
	}
	return p.hosts[host]
}

// Forget drops what is remembered of a host that no longer exists.
func (p *Prover) Forget(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.hosts, host)
}

// see takes in the status of every proxy, and which proxies have none.
func (p *Prover) see(ctx context.Context, m *memory) ([]status, error) {
	fleet, err := p.fleet(ctx)
	if err != nil {
		return nil, err
	}
	now := p.now()
	absent, err := p.roster.absent(ctx, fleet, now)
	if err != nil {
		return nil, err
	}
	p.caches.see(fleet)
	m.see(fleet, absent, p.caches.before, now)
	return fleet, nil
}

// fleet is the status of every proxy at every istiod. An istiod that refuses connections serves no proxy.
func (p *Prover) fleet(ctx context.Context) ([]status, error) {
	bases, err := p.endpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("find istiod: %w", err)
	}
	answers := make([][]status, len(bases))
	failures := make([]error, len(bases))
	var group sync.WaitGroup
	for i, base := range bases {
		group.Go(func() { answers[i], failures[i] = p.istiods.statuses(ctx, base) })
	}
	group.Wait()
	answered := false
	for _, err := range failures {
		answered = answered || err == nil
		if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, err
		}
	}
	if !answered {
		return nil, fmt.Errorf("none of %d istiods answers: %w", len(bases), errors.Join(failures...))
	}
	return marked(slices.Concat(answers...)), nil
}

// marked marks the connections of proxies that have two to one istiod.
func marked(fleet []status) []status {
	count := map[connection]int{}
	for _, s := range fleet {
		count[connection{s.istiod, s.id}]++
	}
	for i, s := range fleet {
		fleet[i].doubled = count[connection{s.istiod, s.id}] > 1
	}
	return fleet
}

// look finds out what is not known of what was sent last, by a dump of one proxy of those that are alike, and tells whether
// there was any dump. What a dump of before shows of those that are alike counts for those that were sent it later, too.
func (p *Prover) look(ctx context.Context, m *memory, fleet []status) (bool, error) {
	now, stale, bases := p.now(), map[alike][]*entry{}, map[string]bool{}
	for _, s := range fleet {
		e := m.entry(s)
		if e.stale(now) && !m.old(e, now) && !m.tell(e, p.caches.renewed(s.istiod), now) {
			stale[s.alike()], bases[s.istiod] = append(stale[s.alike()], e), true
		}
	}
	m.share()
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, entries := range stale {
		group.Go(func() error { return p.dump(ctx, m, entries, fleet) })
	}
	err := group.Wait()
	for base := range bases {
		p.caches.settle(ctx, p.istiods, base)
	}
	return len(stale) > 0, err
}

// dump judges those that are alike by a dump of the first.
func (p *Prover) dump(ctx context.Context, m *memory, entries []*entry, fleet []status) error {
	now := p.now()
	v, err := p.view(ctx, entries[0].status, fleet)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	p.caches.dumped(entries[0].status.istiod, v.version, v.second)
	f := finding{v.judge(m.route), v.version, now}
	for i, e := range entries {
		e.judge(f, i == 0, now)
	}
	m.find(entries[0].status.alike(), f)
	return nil
}

// view asks for the proxy by its connection. istiod takes any connection whose name contains what is asked for, so
// that a proxy whose name is part of another's has to be told apart by the number of its connection.
func (p *Prover) view(ctx context.Context, s status, fleet []status) (view, error) {
	prefix := s.id + "-"
	similar := 0
	for _, other := range fleet {
		if other.istiod == s.istiod && strings.Contains(other.id+"-", prefix) {
			similar++
		}
	}
	id := prefix
	if similar > 1 {
		ids, err := p.istiods.connectionIDs(ctx, s.istiod)
		if err != nil {
			return view{}, err
		}
		if id = only(ids, prefix); id == "" {
			return view{}, errGone
		}
	}
	v, err := p.istiods.view(ctx, s.istiod, id)
	v.gateway = s.gateway
	return v, err
}

// only returns the id that is the prefix and a number, or nothing when it cannot be told from others.
func only(ids []string, prefix string) string {
	found := ""
	for _, id := range ids {
		number, ok := strings.CutPrefix(id, prefix)
		if ok && number != "" && strings.Trim(number, "0123456789") == "" {
			if found != "" {
				return ""
			}
			found = id
		}
	}
	for _, id := range ids {
		if id != found && strings.Contains(id, found) {
			return ""
		}
	}
	return found
}

// nudge has those istiods push once more of which some proxy has waited long for a sign that its push is complete.
func (p *Prover) nudge(ctx context.Context, m *memory, fleet []status) {
	for _, base := range m.undecided(efforts(fleet), p.now()) {
		// Whatever goes wrong shows in the next status.
		_ = p.istiods.push(ctx, base)
	}
}

// renew has those istiods make everything anew whose cache may be spoiled.
func (p *Prover) renew(ctx context.Context, m *memory, fleet []status) {
	now := p.now()
	for _, base := range p.caches.due(fleet, m.differing(now), now) {
		if p.caches.renew(ctx, p.istiods, base) != nil {
			p.caches.failed(base)
		}
	}
}
