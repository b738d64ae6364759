// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"slices"

	networking "istio.io/api/networking/v1alpha3"

	api "weir.dev/weir/api/v1alpha1"
)

// cohorts keep users with the version that answered them. With wₖ percent for the new version now, and wⱼ in an earlier
// step, they go, in this order:
//
//   - with the new version's cookie: to the new version,
//   - with the old version's cookie of this step: to the old version,
//   - with that of an earlier step: to the new version with the probability (wₖ-wⱼ)/(100-wⱼ), so that together with the
//     wⱼ percent who went there before they are wₖ percent of all,
//   - without a cookie: to the new version with the probability wₖ.
//
// So the new version's share is wₖ among those who came early and those who came late, and whoever was there stays there.
// Weights are whole percents: in each step the share misses by up to half a percent of the users who draw again.
// Without the cohorts' routes, as after a rollback, the cookies mean nothing.
type cohorts struct {
	api.Cohorts
	// version is the new one, with weight percent now.
	version string
	weight  int32
}

// cohortsOf are those of a way on which the new version and another one share the requests; nil when there are none.
func (w way) cohortsOf(v Version) *cohorts {
	shared := len(w.shares) > 1 && slices.ContainsFunc(w.shares, func(s share) bool { return s.subset == v.Name })
	if v.Cohorts == nil || !shared {
		return nil
	}
	return &cohorts{Cohorts: *v.Cohorts, version: v.Name, weight: v.Weight}
}

// rules are those for requests that bring a cookie.
func (c *cohorts) rules(w way) []rule {
	others := slices.DeleteFunc(slices.Clone(w.shares), func(s share) bool { return s.subset == c.version })
	own := slices.DeleteFunc(slices.Clone(w.shares), func(s share) bool { return s.subset != c.version })
	out := []rule{
		{kind: "new", cookie: c.newCookie(), shares: scale(own, whole)},
		{kind: "old", cookie: c.oldCookie(c.weight), shares: scale(others, whole), copied: true},
	}
	for _, before := range slices.Backward(c.Weights) {
		if before <= 0 || before >= c.weight {
			continue
		}
		chance := c.chance(before)
		shares := append(scale(slices.Clone(others), whole-chance), scale(slices.Clone(own), chance)...)
		out = append(out, rule{
			kind: fmt.Sprintf("old-%d", before), cookie: c.oldCookie(before), copied: true,
			shares: slices.DeleteFunc(shares, func(s share) bool { return s.weight == 0 }),
		})
	}
	return out
}

// chance is that of a user whom the old version answered at an earlier weight, in whole percents.
func (c *cohorts) chance(before int32) int32 {
	rest := whole - before
	return (2*whole*(c.weight-before) + rest) / (2 * rest)
}

func (c *cohorts) newCookie() string { return c.ID + ".new" }

func (c *cohorts) oldCookie(weight int32) string { return fmt.Sprintf("%s.old.%d", c.ID, weight) }

// mark lets every answer say who gave it, so that the cookie lasts while the user is there.
func (c *cohorts) mark(d *networking.HTTPRouteDestination) {
	value := c.oldCookie(c.weight)
	if d.Destination.Subset == c.version {
		value = c.newCookie()
	}
	cookie := fmt.Sprintf("%s=%s; Max-Age=%d; Path=/; HttpOnly; SameSite=Lax", c.Cookie, value, c.MaxAge)
	d.Headers = &networking.Headers{Response: &networking.Headers_HeaderOperations{Add: map[string]string{"set-cookie": cookie}}}
}
