// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// VersionWanted is what one version should have.
type VersionWanted struct {
	Version string `json:"version"`
	// Replicas is the number of pods; 0 removes the workload.
	Replicas int32 `json:"replicas"`
	// Subset makes the version reachable for callers.
	Subset bool `json:"subset"`
	// Weight is its share of the requests, in percent, of those that nothing else picks.
	Weight int32 `json:"weight"`
	// Match picks requests that all go to the version. It was checked as part of the strategy.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	Match []Match `json:"match,omitempty"`
	// Mirror sends it copies of the requests that others answer.
	// +optional
	Mirror *Mirror `json:"mirror,omitempty"`
	// Cohorts keeps users with the version that answered them.
	// +optional
	Cohorts *Cohorts `json:"cohorts,omitempty"`
}

// Cohorts are users by the cookie they have. A user with the new version's cookie stays with it. A user whom the old
// version answered in an earlier step has another chance only by as much as the weight has grown since.
type Cohorts struct {
	// Cookie is its name.
	Cookie string `json:"cookie"`
	// ID tells the cookies of this release from those of others.
	ID string `json:"id"`
	// MaxAge of the cookie, in seconds.
	MaxAge int64 `json:"maxAge"`
	// Weights of the steps so far, in percent, the present one last.
	// +listType=atomic
	Weights []int32 `json:"weights"`
}
