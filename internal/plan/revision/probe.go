// SPDX-License-Identifier: Apache-2.0

package revision

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// numbered is the probe with the number of the port instead of the name that the user gave it: names are no part of a version.
func numbered(c api.Component, probe *corev1.Probe) *corev1.Probe {
	for _, p := range port.Probed(probe) {
		if number, ok := port.Number(c, p.StrVal); ok && p.Type == intstr.String {
			*p = intstr.FromInt32(number)
		}
	}
	return probe
}
