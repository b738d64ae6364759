// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
)

// player plays a script: it keeps the time, and the status as it would be stored.
type player struct {
	world
	start  time.Time
	now    time.Duration
	wake   time.Duration
	status api.ReleaseStatus
}

func play(s script) error {
	p := player{world: newWorld(s), start: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	doing := ""
	for _, l := range s.lines {
		if err := p.pass(l.at, doing); err != nil {
			return fmt.Errorf("%d: %w", l.number, err)
		}
		if err := p.hear(l.seen, p.status); err != nil {
			return fmt.Errorf("%d: %w", l.number, err)
		}
		if err := p.decide(); err != nil {
			return fmt.Errorf("%d: at %s: %w", l.number, l.at, err)
		}
		if err := p.check(l.does, doing); err != nil {
			return fmt.Errorf("%d: at %s: %w (%s)", l.number, l.at, err, p.status.Message)
		}
		doing = does(p.status)
	}
	return nil
}

// pass lets the time pass: the engine is asked whenever it said it wants to be.
func (p *player) pass(until time.Duration, doing string) error {
	for !p.stopped && p.wake > 0 && p.now+p.wake < until {
		p.now += p.wake
		if err := p.decide(); err != nil {
			return fmt.Errorf("at %s: %w", p.now, err)
		}
		if is := does(p.status); is != doing {
			return fmt.Errorf("at %s it went from %s to %s, which no line says (%s)", p.now, doing, is, p.status.Message)
		}
	}
	p.now = until
	return nil
}

// decide asks until nothing changes any more: what is stored is seen at once.
func (p *player) decide() error {
	for i := 0; i < 100 && !p.stopped; i++ {
		now := p.start.Add(p.now)
		before := p.status
		d := release.Decide(now, p.spec, before, p.at(before))
		if err := release.Check(now, p.spec, before, d.Status); err != nil {
			return fmt.Errorf("rule %q breaks a promise: %w", d.Rule, err)
		}
		was, is := stored(before), stored(d.Status)
		p.wake = d.Wake
		if was == is {
			return nil
		}
		p.status = api.ReleaseStatus{}
		if err := json.Unmarshal([]byte(is), &p.status); err != nil {
			return err
		}
		p.obey(p.status)
	}
	if p.stopped {
		return nil
	}
	return fmt.Errorf("it never rests")
}

func stored(s api.ReleaseStatus) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a status holds nothing that cannot be stored
	}
	return string(text)
}

func (p *player) check(want []string, before string) error {
	is, rest := does(p.status), want
	for len(rest) > 0 && rest[0] != "because" && rest[0] != "says" {
		rest = rest[1:]
	}
	expected := strings.Join(want[:len(want)-len(rest)], " ")
	if expected == "same" {
		expected = before
	}
	if !known(expected) {
		return fmt.Errorf("%q is nothing a release does", expected)
	}
	if is != expected {
		return fmt.Errorf("want %s, got %s", expected, is)
	}
	for ; len(rest) > 1; rest = rest[2:] {
		switch {
		case rest[0] == "because" && p.status.Reason != rest[1]:
			return fmt.Errorf("want the reason %s, got %s", rest[1], p.status.Reason)
		case rest[0] == "says" && !strings.Contains(p.status.Message, rest[1]):
			return fmt.Errorf("want the message to hold %q", rest[1])
		}
	}
	return nil
}

// does words where a release stands, as scripts do.
func does(s api.ReleaseStatus) string {
	weight := int32(0)
	for _, w := range s.Wanted {
		if w.Version == to {
			weight = w.Weight
		}
	}
	switch s.Phase {
	case api.ReleaseShifting:
		return fmt.Sprintf("weight %d", weight)
	case api.ReleaseObserving:
		return fmt.Sprintf("observe %d", weight)
	default:
		return plain[s.Phase]
	}
}

var plain = map[api.ReleasePhase]string{
	api.ReleasePreparing: "prepare", api.ReleaseConnecting: "connect", api.ReleaseDraining: "drain", api.ReleaseRetiring: "retire",
	api.ReleasePromoted: "promoted", api.ReleaseReturning: "return", api.ReleaseRolledBack: "rolled back",
}

func known(does string) bool {
	for _, p := range plain {
		if p == does {
			return true
		}
	}
	return strings.HasPrefix(does, "weight ") || strings.HasPrefix(does, "observe ")
}
