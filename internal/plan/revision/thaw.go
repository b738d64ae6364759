// SPDX-License-Identifier: Apache-2.0

package revision

import api "weir.dev/weir/api/v1alpha1"

// Thaw returns the component now with the content of an earlier version. What is no part of a version stays as it is:
// replicas, autoscale, uses, strategy, external and expose. A version name that the image gives by itself is not said aloud, so that
// the next change of the image is a new name again.
func Thaw(now, frozen api.Component) api.Component {
	out := *frozen.DeepCopy()
	now = *now.DeepCopy()
	out.Name, out.Replicas, out.Autoscale, out.Uses, out.Strategy = now.Name, now.Replicas, now.Autoscale, now.Uses, now.Strategy
	out.External, out.Expose = now.External, now.Expose
	silent := out
	silent.Version = ""
	if base(silent) == out.Version {
		return silent
	}
	return out
}
