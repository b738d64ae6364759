// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ConditionInjected is false while pods that are to be in the mesh run without a sidecar. It is there once there were some.
const ConditionInjected = "Injected"

// AnnotationRestarted on a pod template says when pods were last replaced because some had no sidecar.
const AnnotationRestarted = "weir.dev/restarted-for-sidecar"

// InjectionRepair is the account of restarts of a component whose pods came up without a sidecar.
type InjectionRepair struct {
	Component string `json:"component"`
	// Attempts in a row that did not help.
	Attempts int32 `json:"attempts"`
	// At is when the last began.
	At metav1.MicroTime `json:"at"`
}
