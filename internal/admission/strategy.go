// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"slices"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/strategy"
)

// Strategy judges a write of a Strategy; before is nil when it is new. users are the Applications that mean it by its name.
func Strategy(before, after *api.Strategy, users []api.Application) Verdict {
	v := Verdict{Faults: strategyFaults(after, users)}
	if before == nil {
		return v
	}
	return v.since(strategyFaults(before, users))
}

func strategyFaults(s *api.Strategy, users []api.Application) []string {
	var faults []string
	for _, fault := range strategy.Alone(s.Spec) {
		faults = append(faults, fault.Error())
	}
	for i := range users {
		for _, c := range users[i].Spec.Components {
			if c.Strategy != s.Name {
				continue
			}
			for _, fault := range strategy.Fit(s.Spec, &users[i], c.Name) {
				faults = append(faults, fmt.Sprintf("%s (for component %s of application %s)", fault.Error(), c.Name, users[i].Name))
			}
		}
	}
	return faults
}

// Release judges an edit of the strategy that a release carries with it; before is nil when nothing was there. app is its
// Application; nil when that is gone.
func Release(before, after *api.Release, app *api.Application) Verdict {
	v := Verdict{Faults: Edit(after, app)}
	if before == nil {
		return v
	}
	return v.since(Edit(before, app))
}

// Edit says what is wrong with the release's own copy of the strategy. Steps that were taken are history, and not looked at.
func Edit(release *api.Release, app *api.Application) []string {
	named := func(c api.Component) bool { return c.Name == release.Spec.Component }
	if app != nil && !slices.ContainsFunc(app.Spec.Components, named) {
		app = nil
	}
	var out []string
	for _, fault := range strategy.Check(release.Spec.Strategy, app, release.Spec.Component) {
		if !taken(fault.Field, release.Status.Step) {
			fault.Field = "spec.strategy." + strings.TrimPrefix(fault.Field, "spec.")
			out = append(out, fault.Error())
		}
	}
	return out
}

// taken tells whether the field is of a step that was taken.
func taken(field string, step int32) bool {
	var i int32
	_, err := fmt.Sscanf(field, "spec.steps[%d]", &i)
	return err == nil && i < step
}
