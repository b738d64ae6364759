// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"slices"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/strategy"
)

// refused says what is wrong with the release's own copy of the strategy, which may be edited while it runs; empty when
// nothing is. Steps that were taken are history, and not looked at. An application that is gone is not asked.
func refused(release *api.Release, app *api.Application) string {
	named := func(c api.Component) bool { return c.Name == release.Spec.Component }
	if !slices.ContainsFunc(app.Spec.Components, named) {
		app = nil
	}
	var words []string
	for _, fault := range strategy.Check(release.Spec.Strategy, app, release.Spec.Component) {
		if !taken(fault.Field, release.Status.Step) {
			fault.Field = "spec.strategy." + strings.TrimPrefix(fault.Field, "spec.")
			words = append(words, fault.Error())
		}
	}
	return strings.Join(words, "; ")
}

// taken tells whether the field is of a step that was taken.
func taken(field string, step int32) bool {
	var i int32
	_, err := fmt.Sscanf(field, "spec.steps[%d]", &i)
	return err == nil && i < step
}
