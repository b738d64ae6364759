// SPDX-License-Identifier: Apache-2.0

package takeover

import (
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// Inherited is the annotation of pods that somebody else's StatefulSet made.
const Inherited = "weir.dev/inherited"

// Inherits tells whether a component, of which these are the pods, runs on inherited ones, all of the version that is wanted.
// They are not restarted before there is another version.
func Inherits(pods []corev1.Pod, version string) bool {
	some := false
	for _, p := range pods {
		if p.Labels[api.LabelVersion] != version {
			return false
		}
		some = some || p.Annotations[Inherited] != ""
	}
	return some
}
