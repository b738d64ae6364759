// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
	"weir.dev/weir/internal/release/standing"
)

// player plays a script: it keeps the time, and the status as it would be stored.
type player struct {
	world
	start  time.Time
	now    time.Duration
	wake   time.Duration
	status api.ReleaseStatus
}

func play(s Script) error {
	p := player{world: newWorld(s), start: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	doing := ""
	for _, l := range s.Lines {
		if err := p.pass(l.At, doing); err != nil {
			return fmt.Errorf("%d: %w", l.Number, err)
		}
		if err := p.hear(l.Seen); err != nil {
			return fmt.Errorf("%d: %w", l.Number, err)
		}
		if err := p.decide(); err != nil {
			return fmt.Errorf("%d: at %s: %w", l.Number, l.At, err)
		}
		if err := p.check(l, doing); err != nil {
			return fmt.Errorf("%d: at %s: %w (%s)", l.Number, l.At, err, p.status.Message)
		}
		doing = p.does()
	}
	return nil
}

func (p *player) hear(seen []string) error {
	if len(seen) == 2 && seen[1] == "begins" {
		return p.next(seen[0])
	}
	return p.world.hear(seen, p.status)
}

// next begins the release that follows the one that has ended, if the application would make one.
func (p *player) next(version string) error {
	ended := map[string][]api.Release{component: {{Spec: p.spec, Status: p.status}}}
	stands := standing.History{Releases: ended}.Of(api.Component{Name: component}, p.seen.Desired)
	begins := "nothing"
	if stands.Begins() {
		begins = stands.Desired
	}
	if version != begins {
		return fmt.Errorf("%s begins", begins)
	}
	if version == "nothing" {
		return nil
	}
	p.spec = api.ReleaseSpec{Application: p.spec.Application, Component: component, From: stands.Current, To: stands.Desired, Strategy: p.spec.Strategy}
	p.seen = newWorld(Script{}).seen
	p.seen.Desired = stands.Desired
	p.served, p.weight, p.status = route{}, 0, api.ReleaseStatus{}
	return nil
}

// pass lets the time pass: the engine is asked whenever it said it wants to be.
func (p *player) pass(until time.Duration, doing string) error {
	for !p.stopped && p.wake > 0 && p.now+p.wake < until {
		p.now += p.wake
		if err := p.decide(); err != nil {
			return fmt.Errorf("at %s: %w", p.now, err)
		}
		if is := p.does(); is != doing {
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

func (p *player) does() string { return Does(p.status, p.spec.To) }

func stored(s api.ReleaseStatus) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a status holds nothing that cannot be stored
	}
	return string(text)
}

func (p *player) check(l Line, before string) error {
	is := p.does()
	expected, rest := l.Outcome()
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
