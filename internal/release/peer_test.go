// SPDX-License-Identifier: Apache-2.0

package release

import (
	"testing"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// pair are two releases of a unit, each of which reads the other late.
type pair struct {
	names  []string
	specs  [2]api.ReleaseSpec
	status [2]api.ReleaseStatus
	// past is what each has been, oldest first, and read how far the other has read of it.
	past [2][]Peer
	read [2]int
	now  time.Time
}

func newPair() *pair {
	p := &pair{names: []string{"front", "reviews"}, now: t0}
	for i := range p.specs {
		p.specs[i] = api.ReleaseSpec{From: "v1", To: "v2", Unit: &api.Unit{Name: "all", Releases: p.names}, Strategy: api.StrategySpec{
			Steps: []api.Step{{Weight: 10}}, Drain: dur(time.Second), ReadyDeadline: dur(time.Minute),
			Analysis: &api.Analysis{Interval: dur(time.Second), MinRequests: 10, SuccessRate: &api.SuccessRate{MinPercent: 99}},
		}}
	}
	return p
}

// step lets one of them decide, with what it has read of the other.
func (p *pair) step(t *testing.T, i int, change func(*Seen)) {
	t.Helper()
	s := p.status[i]
	seen := kindly(s)
	if seen.Name = p.names[i]; s.Phase == api.ReleaseRetiring {
		seen.From, seen.To = told(s, "v1", seen.From), told(s, "v2", seen.To)
	}
	if other := p.past[1-i]; len(other) > 0 {
		seen.Peers = []Peer{other[p.read[i]]}
	}
	if change != nil {
		change(&seen)
	}
	d := Decide(p.now, p.specs[i], s, seen)
	if err := Check(p.now, p.specs[i], s, d.Status); err != nil {
		t.Fatalf("%s, rule %q in %s: %v", p.names[i], d.Rule, describe(s), err)
	}
	p.status[i] = d.Status
	p.past[i] = append(p.past[i], PeerOf(p.names[i], p.specs[i], d.Status))
}

// finish lets both go on, with fresh news, until nothing is left to do.
func (p *pair) finish(t *testing.T) {
	t.Helper()
	for range 400 {
		for i := range p.status {
			if p.read[i] = max(len(p.past[1-i])-1, 0); !p.status[i].Phase.Finished() {
				p.step(t, i, nil)
			}
		}
		p.now = p.now.Add(time.Second)
	}
}

// TestUnitNeverSplits plays many courses: what is seen, what is read of the other and how late, and the commands come
// in any order. In the end both are promoted or both are rolled back.
func TestUnitNeverSplits(t *testing.T) {
	ends := map[api.ReleasePhase]int{}
	for seed := range uint64(1000) {
		d, p := roll(seed), newPair()
		trouble := d.IntN(3)
		for range 60 {
			i := d.IntN(2)
			if n := len(p.past[1-i]); n > 0 {
				p.read[i] += d.IntN(n - p.read[i])
			}
			p.step(t, i, func(s *Seen) {
				if trouble == 0 || d.IntN(12) > 0 {
					return
				}
				switch d.IntN(4) {
				case 0:
					s.Sample = mesh.Sample{Requests: 100, Failed: 50}
				case 1:
					s.Desired = "v3"
				case 2:
					p.specs[i].Abort = trouble == 2
				default:
					s.Proof = mesh.Proof{Lagging: []string{"shop/page"}}
				}
			})
			p.now = p.now.Add(time.Duration(d.IntN(2500)) * time.Millisecond)
		}
		p.finish(t)
		if p.status[0].Phase != p.status[1].Phase || !p.status[0].Phase.Finished() {
			t.Fatalf("seed %d: %s and %s", seed, describe(p.status[0]), describe(p.status[1]))
		}
		ends[p.status[0].Phase]++
	}
	if ends[api.ReleasePromoted] < 50 || ends[api.ReleaseRolledBack] < 50 {
		t.Errorf("want many of both ends, got %v", ends)
	}
}

func TestUnitTakesStepsInOrder(t *testing.T) {
	p := newPair()
	for range 100 {
		for _, i := range []int{1, 0} {
			p.read[i] = max(len(p.past[1-i])-1, 0)
			p.step(t, i, nil)
		}
		first, second := p.past[0][len(p.past[0])-1], p.past[1][len(p.past[1])-1]
		if second.Step > first.Step || first.Step > second.Step+1 {
			t.Fatalf("front is in step %d, reviews in %d", first.Step, second.Step)
		}
		p.now = p.now.Add(time.Second)
	}
	if p.status[1].Phase != api.ReleasePromoted {
		t.Errorf("want both promoted, got %s", describe(p.status[1]))
	}
}

func TestUnitWaitsForAMissingPeer(t *testing.T) {
	p := newPair()
	for range 50 {
		p.step(t, 0, func(s *Seen) { s.Peers = nil })
		p.now = p.now.Add(time.Second)
	}
	if p.status[0].Phase != api.ReleaseConnecting {
		t.Errorf("want it to wait before the first step, got %s", describe(p.status[0]))
	}
}
