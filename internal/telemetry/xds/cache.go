// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// renewals is the least time between two renewals of one istiod's cache while callers differ, and the most that a cache
	// stays spoiled; calm is for how long none may have been needed for the next one to come as early.
	renewals, calm = 10 * time.Second, 10 * time.Minute
	// longest is the most that is waited, twice as long each time, while callers go on to differ.
	longest = 5 * time.Minute
)

// caches guards what the istiods keep of the configurations that they made.
//
// A dump can spoil it. istiod makes a dump of the push that the proxy was assigned last, and keeps, under the time of the
// dump, what it had to make (istio.io/istio, pilot/pkg/xds, connectionConfigDump; its answers to proxies avoid this by the
// time of their push). When a later push has begun by then, and has struck out what it changes, the old is taken for the new:
// it is sent by the later push, to every proxy, and stays until that configuration changes once more.
//
// Which of the two came first is asked at once: istiod counts the pushes that have begun, and a dump of the newest one was
// harmless. Where it does not say, and where a later one had begun, the second is looked at in which that was, which is part of
// its name: both are told by istiod's own clock.
type caches struct {
	mu      sync.Mutex
	istiods map[string]*istiodCache
	// made counts the dumps.
	made uint64
}

// dumping is the last dump of a push: its number among all, and the second in which it was ready, or before.
type dumping struct {
	made   uint64
	second int64
}

// istiodCache is that of one istiod.
type istiodCache struct {
	// dumps are those that may have been made too late, by the push that they were made of.
	dumps map[version]dumping
	// spoiled is true while a renewal is due because of a dump.
	spoiled bool
	// renewed is when it was renewed last, pause how long it rests after that while callers differ, and before what each
	// connection had been sent until then.
	renewed time.Time
	pause   time.Duration
	before  map[string]shape
}

func (c *caches) of(base string) *istiodCache {
	if c.istiods[base] == nil {
		c.istiods[base] = &istiodCache{dumps: map[version]dumping{}}
	}
	return c.istiods[base]
}

// dumped takes down that a dump was made of the push, at the second by istiod's clock or before.
func (c *caches) dumped(base string, of version, second int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dumps := c.of(base).dumps
	c.made++
	dumps[of] = dumping{c.made, max(dumps[of].second, second)}
}

// settle asks the istiod how many pushes have begun, and forgets those dumps of before that were of the newest. An istiod
// that does not tell leaves the rest to the clock.
func (c *caches) settle(ctx context.Context, i istiods, base string) {
	c.mu.Lock()
	before := maps.Clone(c.of(base).dumps)
	c.mu.Unlock()
	begun, err := i.begun(ctx, base)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	dumps := c.of(base).dumps
	for of, dump := range before {
		if of.number == begun && dumps[of] == dump {
			delete(dumps, of)
		}
	}
}

// see looks for pushes that may have been under way when an older one was dumped.
func (c *caches) see(fleet []status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pushes := map[string][]version{}
	for _, s := range fleet {
		pushes[s.istiod] = append(append(pushes[s.istiod], s.pushes[:]...), s.acked)
	}
	for base := range c.istiods {
		if pushes[base] == nil {
			delete(c.istiods, base)
			continue
		}
		c.istiods[base].see(pushes[base])
	}
}

// see compares each dump with the first push after the one it was made of.
func (i *istiodCache) see(pushes []version) {
	for of, dump := range i.dumps {
		var next version
		for _, push := range pushes {
			if push.number > of.number && (next.number == 0 || push.number < next.number) {
				next = push
			}
		}
		if next.number > 0 {
			i.spoiled = i.spoiled || next.at <= dump.second
			delete(i.dumps, of)
		}
	}
}

// due are the istiods whose cache is to be renewed now, because a dump may have spoiled it, or because callers differ for
// long from what is in the mesh's configuration. They are marked as renewed.
func (c *caches) due(fleet []status, differing map[string]bool, now time.Time) (bases []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rests := efforts(fleet)
	for _, s := range fleet {
		i := c.of(s.istiod)
		rested := now.Sub(i.renewed)
		switch {
		case rested == 0: // one of this istiod came before
		case i.spoiled && rested >= min(max(rests[s.istiod], pause), renewals):
			i.renew(now)
			bases = append(bases, s.istiod)
		case differing[s.istiod] && rested >= max(i.pause, renewals):
			i.rest(rested)
			i.renew(now)
			bases = append(bases, s.istiod)
		default:
			continue
		}
		i.before[s.id] = s.shape()
	}
	return bases
}

func (i *istiodCache) renew(now time.Time) {
	i.spoiled, i.renewed, i.before = false, now, map[string]shape{}
}

// rest sets how long to rest after a renewal that comes so long after the one before.
func (i *istiodCache) rest(rested time.Duration) {
	if i.pause = min(2*max(i.pause, renewals), longest); rested > calm {
		i.pause = renewals
	}
}

// failed has the renewal done again.
func (c *caches) failed(base string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(base).spoiled = true
}

// before is what the connection had been sent before the cache was renewed last; it may be wrong.
func (c *caches) before(key connection) shape {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.istiods[key.istiod]; i != nil {
		return i.before[key.id]
	}
	return shape{}
}

// renewed is when the istiod's cache was renewed last.
func (c *caches) renewed(base string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.istiods[base]; i != nil {
		return i.renewed
	}
	return time.Time{}
}

// pushesBegun is istiod's count of the pushes whose content is settled. It counts one just after it struck out of its cache
// what the push changes (istio.io/istio, pilot/pkg/xds, DiscoveryServer.Push).
const pushesBegun = "pilot_pushcontext_init_seconds_count"

// begun is the number of the newest push of the istiod.
func (i istiods) begun(ctx context.Context, base string) (number uint64, err error) {
	_, err = i.read(ctx, base, "/metrics", func(text io.Reader) error {
		lines := bufio.NewScanner(text)
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), pushesBegun); ok {
				number, err = strconv.ParseUint(rest[strings.LastIndexByte(rest, ' ')+1:], 10, 64)
				return err
			}
		}
		return fmt.Errorf("istiod at %s does not tell %s", base, pushesBegun)
	})
	return number, err
}

// renew has an istiod make anew what it keeps, and send it. In between it tells what was sent of the old.
func (c *caches) renew(ctx context.Context, i istiods, base string) error {
	if err := i.get(ctx, base, "/debug/cachez?clear=true", nil); err != nil {
		return err
	}
	fleet, err := i.statuses(ctx, base)
	if err != nil {
		return err
	}
	c.mu.Lock()
	for _, s := range fleet {
		c.of(base).before[s.id] = s.shape()
	}
	c.mu.Unlock()
	return i.push(ctx, base)
}
