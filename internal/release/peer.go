// SPDX-License-Identifier: Apache-2.0

package release

import (
	"slices"

	api "weir.dev/weir/api/v1alpha1"
)

// Peer is where another release of the unit stands.
type Peer struct {
	Name  string
	Phase api.ReleasePhase
	// Step it is in; 0 before the first.
	Step int32
	// Passed is true when that step needs no more time and no more proof. Before the first step: when its pods are ready and
	// every caller can reach them.
	Passed bool
	// Last is true when the new version has everything in that step.
	Last bool
	// Reason of its way back; empty when it is not on it.
	Reason string
	// Withdraws is why it asks the unit to go back.
	Withdraws string
}

// PeerOf tells the other releases of a unit where this one stands.
func PeerOf(name string, spec api.ReleaseSpec, status api.ReleaseStatus) Peer {
	v := view{spec: spec, status: status}
	return Peer{
		Name: name, Phase: status.Phase, Step: status.Step, Passed: v.hasPassed(), Last: v.stage().everything(),
		Reason: status.Reason, Withdraws: status.Withdraws,
	}
}

// A unit moves as one, though its releases decide each for itself, from what they read of the others, which may be old.
// Two words are given once and never taken back, so that old news does no harm:
//
//   - A release that passed its last step has given its word to go on. It goes back only when the first release does.
//   - The first release, when all have given their word, begins to drain: with that the unit has decided. Until then,
//     if any release goes back, or one that gave its word asks for it, the first goes back, and with it all.
//
// One thing is stronger: a version without a single ready pod goes back alone when the unit has already decided.

// hasDecided is true when the first release goes on for good.
func (p Peer) hasDecided() bool {
	return p.Reason == "" && slices.Contains([]api.ReleasePhase{api.ReleaseDraining, api.ReleaseRetiring, api.ReleasePromoted}, p.Phase)
}

// goesOn is true when the release has given its word.
func (p Peer) goesOn() bool { return p.Reason == "" && p.Withdraws == "" && p.Last && p.Passed }

// through is true when the release has passed the step, or has no such step.
func (p Peer) through(step int32) bool {
	return p.Step > step || (p.Step == step || p.Last) && p.Passed
}

// beyond is true when every caller was seen to serve a later step of it.
func (p Peer) beyond(step int32) bool {
	return (p.Step > step || p.Last) && (p.Phase == api.ReleaseObserving || p.hasDecided())
}

// leads is true for the first release of a unit, and for one that is alone.
func (v view) leads() bool {
	return v.spec.Unit == nil || len(v.spec.Unit.Releases) > 0 && v.spec.Unit.Releases[0] == v.seen.Name
}

// lead is what is known of the unit's first release.
func (v view) lead() (Peer, bool) { return v.peer(v.spec.Unit.Releases[0]) }

func (v view) peer(name string) (Peer, bool) {
	for _, p := range v.seen.Peers {
		if p.Name == name {
			return p, true
		}
	}
	return Peer{Name: name}, false
}

// others are the peers in the unit's order, the missing ones empty.
func (v view) others() []Peer {
	var out []Peer
	for _, name := range v.spec.Unit.Releases {
		if name != v.seen.Name {
			p, _ := v.peer(name)
			out = append(out, p)
		}
	}
	return out
}

// gaveWord is true when the release may no longer go back by itself.
func (v view) gaveWord() bool {
	return v.spec.Unit != nil && !v.leads() && v.in(api.ReleaseObserving) && v.stage().everything() && v.hasPassed()
}

// gaveWordTo is the release that decides for this one; unknown when this one may go back by itself.
func (v view) gaveWordTo() (lead Peer, known bool) {
	if !v.gaveWord() {
		return Peer{}, false
	}
	return v.lead()
}

// decided is true when the release knows that its unit goes on.
func (v view) decided() bool {
	p, _ := v.lead()
	return p.hasDecided()
}

// turned is the peer with which this release goes back.
func (v view) turned() (Peer, bool) {
	if v.spec.Unit == nil || v.goingBack() {
		return Peer{}, false
	}
	if lead, _ := v.lead(); v.gaveWord() || v.in(api.ReleaseDraining) && !v.leads() {
		return lead, lead.Reason != ""
	}
	for _, p := range v.others() {
		if v.movesForward() && (p.Reason != "" || p.Withdraws != "" && v.leads()) {
			return p, true
		}
	}
	return Peer{}, false
}

// unitWords say which release is waited for before the next step; empty when none is.
func (v view) unitWords() string {
	before := true
	for _, name := range v.spec.Unit.Releases {
		p, known := v.peer(name)
		switch {
		case name == v.seen.Name:
			before = false
		case !known:
			return "waits for the release " + name + " of its unit, which is not there"
		case !p.through(v.status.Step):
			return "waits for the release " + name + " of its unit to pass its step"
		case before && !p.beyond(v.status.Step):
			return "waits for the release " + name + " of its unit, which goes first"
		}
	}
	if before {
		return "waits for its unit, which does not name it"
	}
	return ""
}

// mayTake is true when all that go before this release in its unit were seen to be served in that step.
func (v view) mayTake(step int32) bool {
	if v.spec.Unit == nil {
		return true
	}
	for _, name := range v.spec.Unit.Releases {
		if name == v.seen.Name {
			return true
		}
		if p, _ := v.peer(name); !p.beyond(step - 1) {
			return false
		}
	}
	return false
}

// decisionWords say what keeps the unit from going on for good; empty when nothing does.
func (v view) decisionWords() string {
	if !v.leads() {
		if v.decided() {
			return ""
		}
		return "serves everything and has passed; the release " + v.spec.Unit.Releases[0] + " decides for the unit"
	}
	for _, p := range v.others() {
		if !p.goesOn() {
			return "serves everything and has passed; waits for the release " + p.Name + " of its unit"
		}
	}
	return ""
}
