// SPDX-License-Identifier: Apache-2.0

package plan

import (
	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/revision"
)

// Settled is what the application comes to once every component runs as it is written, and no release is under way.
func Settled(a *api.Application) Input {
	in := Input{Application: a}
	for _, c := range a.Spec.Components {
		version := revision.Version(c, nil)
		in.Components = append(in.Components, Component{
			Spec: c, Versions: map[string]api.Component{version: revision.Freeze(c)},
			Wanted: []api.VersionWanted{{Version: version, Replicas: c.Pods(), Subset: c.SideBySide(), Weight: 100}},
		})
	}
	return in
}
