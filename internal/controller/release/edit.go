// SPDX-License-Identifier: Apache-2.0

package release

import (
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/admission"
)

// refused says what is wrong with the release's own copy of the strategy, which may be edited while it runs; empty when
// nothing is. An application that is gone is not asked.
func refused(release *api.Release, app *api.Application) string {
	return strings.Join(admission.Edit(release, app), "; ")
}
