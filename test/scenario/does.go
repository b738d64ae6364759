// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"fmt"
	"slices"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
)

// Does words where a release stands, as scripts do.
func Does(s api.ReleaseStatus, version string) string {
	switch s.Phase {
	case api.ReleaseShifting:
		return "weight " + shareIn(s, version)
	case api.ReleaseObserving:
		return "observe " + shareIn(s, version)
	default:
		return plain[s.Phase]
	}
}

func shareIn(s api.ReleaseStatus, version string) string {
	for _, w := range s.Wanted {
		if w.Version == version {
			return shareOf(w)
		}
	}
	return ""
}

// shareOf words what a version gets: requests that match, copies, and percents of the rest.
func shareOf(w api.VersionWanted) string {
	var parts []string
	if len(w.Match) > 0 {
		parts = append(parts, "match")
	}
	if w.Mirror != nil {
		parts = append(parts, fmt.Sprintf("copies %d", w.Mirror.Percent))
	}
	if w.Weight > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprint(w.Weight))
	}
	return strings.Join(parts, " ")
}

var plain = map[api.ReleasePhase]string{
	api.ReleaseWaiting: "wait", api.ReleasePreparing: "prepare", api.ReleaseConnecting: "connect", api.ReleaseDraining: "drain",
	api.ReleaseRetiring: "retire", api.ReleasePromoted: "promoted", api.ReleaseReturning: "return", api.ReleaseRolledBack: "rolled back",
}

// Outcome parts what a line says the release does into its own words, and what is said besides: because, and says.
func (l Line) Outcome() (does string, besides []string) {
	end := slices.IndexFunc(l.Does, func(w string) bool { return w == "because" || w == "says" })
	if end < 0 {
		end = len(l.Does)
	}
	return strings.Join(l.Does[:end], " "), l.Does[end:]
}

func known(does string) bool {
	for _, p := range plain {
		if p == does {
			return true
		}
	}
	return strings.HasPrefix(does, "weight ") || strings.HasPrefix(does, "observe ")
}
