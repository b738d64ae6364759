// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"slices"
	"testing"

	api "weir.dev/weir/api/v1alpha1"
)

// TestEveryReachableUnit is the short form of make explore for two components that go as one.
func TestEveryReachableUnit(t *testing.T) {
	plain := brief(api.StrategyCanary)
	var sum tally
	exploreUnit(t, &sum, "at once", plain, "lag", "v3 wanted", "abort", "1 ready")
	exploreUnit(t, &sum, "at once, and pods die", plain, "none ready", "abort")
	exploreUnit(t, &sum, "one is promoted", brief(api.StrategyCanary, api.Step{Weight: 10}), "promote")
}

// joint is where the two releases of a unit are, and what each has read last of the other, which may be old.
type joint struct {
	status [2]number
	read   [2]int
}

// unit explores two releases that decide each for itself.
type unit struct {
	t       testing.TB
	members [2]*exploration
	names   []string
	// odd are the oddities that may happen.
	odd []string
	// peers are what may be read; the first is nothing.
	peers   []Peer
	peerNos map[Peer]int
	// decided and about keep what was found out about one release, which is the same in many joints.
	decided map[choice]number
	abouts  [2]map[number]int
	known   map[joint]bool
	todo    []joint
	ends    map[joint]string
	// transitions of both together.
	transitions int
}

// choice is all that a decision depends on.
type choice struct {
	member int
	status number
	read   int
	world  string
}

func exploreUnit(t testing.TB, sum *tally, name string, s api.StrategySpec, odd ...string) {
	u := &unit{
		t: t, names: []string{"front", "reviews"}, odd: odd, peers: []Peer{{}}, peerNos: map[Peer]int{}, decided: map[choice]number{},
		abouts: [2]map[number]int{{}, {}}, known: map[joint]bool{}, ends: map[joint]string{},
	}
	for i := range u.members {
		u.members[i] = explore(t, api.ReleaseSpec{Strategy: s, Unit: &api.Unit{Name: "all", Releases: u.names}}, 1)
		u.members[i].note(api.ReleaseStatus{})
	}
	u.visit(joint{})
	for len(u.todo) > 0 && !t.Failed() {
		j := u.todo[len(u.todo)-1]
		u.todo = u.todo[:len(u.todo)-1]
		u.leave(j)
	}
	sum.add(t, name, len(u.known), u.transitions)
}

func (u *unit) visit(j joint) {
	u.transitions++
	if u.known[j] {
		return
	}
	u.known[j] = true
	u.todo = append(u.todo, j)
	phases := u.phases(j)
	if slices.Contains(phases, api.ReleasePromoted) && slices.Contains(phases, api.ReleaseRolledBack) && !slices.Contains(u.odd, "none ready") {
		u.t.Errorf("the unit is split: %s", u.describe(j))
	}
	first, second := u.status(j, 0).Step, u.status(j, 1).Step
	if second > first || first > second+1 && !slices.Contains(u.odd, "promote") {
		u.t.Errorf("the second is at step %d, the first at %d: %s", second, first, u.describe(j))
	}
}

func (u *unit) phases(j joint) []api.ReleasePhase {
	return []api.ReleasePhase{u.status(j, 0).Phase, u.status(j, 1).Phase}
}

func (u *unit) status(j joint, i int) api.ReleaseStatus { return u.members[i].statuses[j.status[i]] }

func (u *unit) describe(j joint) string {
	return fmt.Sprintf("front in %s, having read %+v; reviews in %s, having read %+v",
		describe(u.status(j, 0)), u.peers[j.read[0]], describe(u.status(j, 1)), u.peers[j.read[1]])
}

// leave goes all ways that lead on from the joint: time passes, news is read, or one of the two decides.
func (u *unit) leave(j joint) {
	u.visit(u.later(j))
	for i := range j.status {
		u.visit(u.reads(j, i))
		for _, w := range u.worlds(j, i) {
			next := j
			next.status[i] = u.decide(j, i, w)
			u.visit(next)
		}
	}
	u.checkEnd(j)
}

func (u *unit) later(j joint) joint {
	for i := range j.status {
		j.status[i] = u.members[i].age(j.status[i])
	}
	return j
}

// reads lets the one know where the other is.
func (u *unit) reads(j joint, i int) joint {
	other := 1 - i
	n, known := u.abouts[other][j.status[other]]
	if !known {
		p := PeerOf(u.names[other], u.members[other].spec, u.status(j, other))
		if n, known = u.peerNos[p]; !known {
			n = len(u.peers)
			u.peers, u.peerNos[p] = append(u.peers, p), n
		}
		u.abouts[other][j.status[other]] = n
	}
	j.read[i] = n
	return j
}

// worlds that may be seen by one of the two.
func (u *unit) worlds(j joint, i int) []world {
	return slices.DeleteFunc(worlds(u.members[i].spec, u.status(j, i), 1), func(w world) bool {
		return w.name != "kind" && !slices.ContainsFunc(u.odd, func(o string) bool { return w.name == "kind, "+o })
	})
}

func (u *unit) decide(j joint, i int, w world) number {
	c := choice{i, j.status[i], j.read[i], w.name}
	n, known := u.decided[c]
	if !known {
		n = u.members[i].decide(j.status[i], world{w.name, func(spec *api.ReleaseSpec, seen *Seen) {
			if seen.Name = u.names[i]; j.read[i] > 0 {
				seen.Peers = []Peer{u.peers[j.read[i]]}
			}
			w.change(spec, seen)
		}})
		u.decided[c] = n
	}
	return n
}

// checkEnd: when both read news in time and all goes well, both end, in the same way.
func (u *unit) checkEnd(j joint) {
	var path []joint
	var out string
	for {
		was, done := u.ends[j]
		if done {
			out = was
			break
		}
		u.ends[j] = "a circle"
		path = append(path, j)
		next := j
		for i := range j.status {
			if !u.status(next, i).Phase.Finished() {
				next = u.reads(next, i)
				next.status[i] = u.decide(next, i, u.kind(next, i))
			}
		}
		if next == j {
			if next = u.later(j); next == j {
				out = u.verdict(j)
				break
			}
		}
		j = next
	}
	for _, p := range path {
		if u.ends[p] = out; out != "" {
			u.t.Errorf("%s comes to %s", u.describe(p), out)
			return
		}
	}
}

// kind is the world in which all goes well.
func (u *unit) kind(j joint, i int) world {
	s := u.status(j, i)
	return world{"in the end", func(_ *api.ReleaseSpec, seen *Seen) {
		if s.Phase == api.ReleaseRetiring {
			seen.From, seen.To = told(s, "v1", seen.From), told(s, "v2", seen.To)
		}
	}}
}

// verdict is what is wrong with the end; empty when nothing is.
func (u *unit) verdict(j joint) string {
	phases := u.phases(j)
	switch {
	case !phases[0].Finished() || !phases[1].Finished():
		return "a standstill: " + u.describe(j)
	case phases[0] != phases[1] && !slices.Contains(u.odd, "none ready"):
		return "two ends: " + u.describe(j)
	default:
		return ""
	}
}
