// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	api "weir.dev/weir/api/v1alpha1"
)

// digestLength of the digest in route names, in hexadecimal digits.
const digestLength = 10

// said is what routes say of one version.
type said struct {
	Version string       `json:"version"`
	Weight  int32        `json:"weight,omitempty"`
	Match   []api.Match  `json:"match,omitempty"`
	Mirror  *api.Mirror  `json:"mirror,omitempty"`
	Cohorts *api.Cohorts `json:"cohorts,omitempty"`
	Ports   []api.Port   `json:"ports,omitempty"`
	// CORS is of all versions, and said once.
	CORS *api.CORS `json:"cors,omitempty"`
}

// RouteName is <component>-<digest>, where the digest covers everything that the component's routes say. Names of its
// routes are this one, or this one, a dot and what tells them apart. So a proxy whose routes have the name has all of what
// is wanted, and nothing of what was wanted before. By which hosts and paths the component is exposed says nothing about
// versions, and is left out.
func (c Component) RouteName() string {
	var all []said
	for _, v := range c.Versions {
		if c.names(v) {
			all = append(all, said{
				Version: v.Name, Weight: v.Weight, Match: v.Match, Mirror: v.Mirror, Cohorts: v.Cohorts, Ports: v.Ports,
			})
		}
	}
	if c.Expose != nil && c.Expose.CORS != nil {
		all = append(all, said{CORS: c.Expose.CORS})
	}
	text, _ := json.Marshal(all) //nolint:errchkjson // plain data encodes
	sum := sha256.Sum256(text)
	return c.Name + "-" + hex.EncodeToString(sum[:])[:digestLength]
}

// names tells whether any route says something of the version.
func (c Component) names(v Version) bool {
	return v.Weight != 0 || len(v.Match) > 0 || v.Mirror != nil || slices.ContainsFunc(c.Ports, func(p api.Port) bool {
		return slices.ContainsFunc(c.sharesAt(p.Port), func(s share) bool { return s.subset == v.Name })
	})
}
