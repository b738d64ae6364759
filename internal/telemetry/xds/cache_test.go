// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"testing"
	"time"
)

// spoiled is an istiod of which an older push was dumped, which then sends a newer one that still has the old weights.
func spoiled(t *testing.T, behind time.Duration, begun int) (*fakeIstiod, *fakeProxy, *Prover, *clock) {
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	istiod := startIstiod(t, page)
	istiod.behind, istiod.begun = behind, begun
	p, clock := newProver(t, istiod)
	expect(t, p, wanted(90, 10), 1, "shop/page")
	page.assigned, page.sent, page.acked = 6, 6, 6
	expect(t, p, wanted(90, 10), 1, "shop/page")
	return istiod, page, p, clock
}

func TestADumpThatMaySpoilTheCacheIsMadeGood(t *testing.T) {
	istiod, page, p, _ := spoiled(t, 0, 0)
	if istiod.renewals != 1 || istiod.pushes != 1 {
		t.Fatalf("%d renewals and %d pushes, instead of one each", istiod.renewals, istiod.pushes)
	}
	// What a dump shows after the renewal tells nothing of what was sent before it.
	page.weights = share(90, 10)
	p.Forget(reviews)
	expect(t, p, wanted(90, 10), 1, "shop/page")
	page.assigned, page.sent, page.acked = 7, 7, 7
	expect(t, p, wanted(90, 10), 1)
	if istiod.renewals != 1 {
		t.Errorf("%d renewals", istiod.renewals)
	}
}

func TestWhatIsSentUntilTheCacheIsRenewedTellsNothing(t *testing.T) {
	page := &fakeProxy{id: "page.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	late := &fakeProxy{id: "late.shop", assigned: 5, sent: 5, acked: 5, weights: share(100, 0)}
	istiod := startIstiod(t, page, late)
	istiod.behind = 0
	p, _ := newProver(t, istiod)
	expect(t, p, wanted(90, 10), 2, "shop/late", "shop/page")
	page.assigned, page.sent, page.acked = 6, 6, 6
	istiod.renewing = func() { late.assigned, late.sent, late.acked = 6, 6, 6 }
	expect(t, p, wanted(90, 10), 2, "shop/late", "shop/page")
	if istiod.renewals != 1 {
		t.Fatalf("%d renewals", istiod.renewals)
	}
	page.weights, late.weights = share(90, 10), share(90, 10)
	expect(t, p, wanted(90, 10), 2, "shop/late", "shop/page")
	page.again = 1
	expect(t, p, wanted(90, 10), 2, "shop/late")
	late.again = 1
	expect(t, p, wanted(90, 10), 2)
}

func TestACacheThatIsSpoiledOnceMoreIsMadeGoodSoon(t *testing.T) {
	istiod, page, p, clock := spoiled(t, 0, 0)
	for push := 7; push <= 8; push++ {
		page.assigned, page.sent, page.acked = push, push, push
		expect(t, p, wanted(90, 10), 1, "shop/page")
	}
	if istiod.renewals != 1 {
		t.Fatalf("%d renewals at once", istiod.renewals)
	}
	clock.at = clock.at.Add(pause)
	expect(t, p, wanted(90, 10), 1, "shop/page")
	if istiod.renewals != 2 {
		t.Errorf("%d renewals after %s", istiod.renewals, pause)
	}
}

func TestADumpThatWasReadyBeforeThePushIsHarmless(t *testing.T) {
	istiod, _, _, _ := spoiled(t, time.Second, 0)
	if istiod.renewals != 0 || istiod.pushes != 0 {
		t.Errorf("%d renewals and %d pushes", istiod.renewals, istiod.pushes)
	}
}

func TestADumpOfTheNewestPushIsHarmless(t *testing.T) {
	for begun, renewals := range map[int]int{5: 0, 6: 1} {
		if istiod, _, _, _ := spoiled(t, 0, begun); istiod.renewals != renewals {
			t.Errorf("dumped when push %d had begun: %d renewals, want %d", begun, istiod.renewals, renewals)
		}
	}
}

func TestCallersThatDifferForLongAreSentEverythingAnewEverMoreSeldom(t *testing.T) {
	istiod, _, p, clock := spoiled(t, time.Minute, 0)
	for _, c := range []struct {
		after    time.Duration
		renewals int
	}{{4 * time.Second, 0}, {2 * time.Second, 1}, {9 * time.Second, 1}, {2 * time.Second, 2}, {15 * time.Second, 2}, {6 * time.Second, 3}} {
		clock.at = clock.at.Add(c.after)
		expect(t, p, wanted(90, 10), 1, "shop/page")
		if istiod.renewals != c.renewals {
			t.Fatalf("%s later: %d renewals instead of %d", c.after, istiod.renewals, c.renewals)
		}
	}
}
