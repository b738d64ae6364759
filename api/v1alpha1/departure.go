// SPDX-License-Identifier: Apache-2.0

package v1alpha1

const (
	// FinalizerDeparture holds a deleted Application until all it made went in an order that loses no request.
	FinalizerDeparture = "weir.dev/departure"
	// ConditionClosed is true once an Application that is being deleted is no longer reached from outside.
	ConditionClosed = "Closed"
)
