// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Release is one attempt to bring a component from one version to another. Weir makes it when a component changes and
// keeps it as the record of what happened; users only give it commands.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rel,categories=weir
// +kubebuilder:printcolumn:name="Component",type=string,JSONPath=`.spec.component`
// +kubebuilder:printcolumn:name="From",type=string,JSONPath=`.spec.from`
// +kubebuilder:printcolumn:name="To",type=string,JSONPath=`.spec.to`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Weight",type=integer,JSONPath=`.status.verified.weight`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Release struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec   ReleaseSpec   `json:"spec"`
	Status ReleaseStatus `json:"status,omitempty"`
}

// ReleaseSpec is the frozen plan and the user's commands.
//
// +kubebuilder:validation:XValidation:rule="self.application == oldSelf.application && self.component == oldSelf.component && self.from == oldSelf.from && self.to == oldSelf.to && self.strategy.type == oldSelf.strategy.type && has(self.unit) == has(oldSelf.unit) && (!has(self.unit) || self.unit == oldSelf.unit)",message="a release keeps the application, component, versions and unit it was made with; only its commands and the strategy's remaining steps can be changed"
// +kubebuilder:validation:XValidation:rule="!(oldSelf.abort && !self.abort)",fieldPath=".abort",message="an abort is not taken back; change the component again to release anew"
type ReleaseSpec struct {
	// Application that the component belongs to.
	// +kubebuilder:validation:MaxLength=63
	Application string `json:"application"`
	// Component that is released.
	// +kubebuilder:validation:MaxLength=63
	Component string `json:"component"`
	// From is the version that carries the traffic when the release begins.
	// +kubebuilder:validation:MaxLength=63
	From string `json:"from"`
	// To is the version that is to carry it.
	// +kubebuilder:validation:MaxLength=63
	To string `json:"to"`
	// Strategy is the strategy as it was when the release began. Steps that are still to come may be edited.
	Strategy StrategySpec `json:"strategy"`
	// Unit ties the release to others that move with it, step by step, and go back with it.
	// +optional
	Unit *Unit `json:"unit,omitempty"`
	// Paused stops the release where it is; the weights stay.
	// +kubebuilder:default=false
	// +optional
	Paused bool `json:"paused"`
	// Promote skips the remaining steps and proofs. Pods and callers are still waited for.
	// +kubebuilder:default=false
	// +optional
	Promote bool `json:"promote"`
	// Abort gives all requests back to the old version.
	// +kubebuilder:default=false
	// +optional
	Abort bool `json:"abort"`
	// Skip is the number of the step whose time and proof are waived; the next step follows at once.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Skip int32 `json:"skip,omitempty"`
	// Approvals open gates that wait for one.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	// +optional
	Approvals []Approval `json:"approvals,omitempty"`
	// Retry tries the same versions again after the release was rolled back.
	// +optional
	Retry bool `json:"retry,omitempty"`
}

// Unit is several releases of one application that move as one.
type Unit struct {
	// Name of the unit, the same for all its releases.
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// Releases of the unit by name, in the order in which they take each step. The first one leads.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=48
	Releases []string `json:"releases"`
}

// Approval is somebody's word for a gate.
type Approval struct {
	// Gate that is approved.
	// +kubebuilder:validation:MaxLength=40
	Gate string `json:"gate"`
	// Step that the gate is asked before; 0 for a gate that is asked once.
	// +optional
	Step int32 `json:"step,omitempty"`
	// By is the user who approves; the API server refuses another name than the user's own.
	// +kubebuilder:validation:MaxLength=253
	By string `json:"by"`
	// At is when.
	At metav1.Time `json:"at"`
}

// ReleasePhase is where a release stands.
type ReleasePhase string

// The phases in the order a good release passes them, then the way back.
const (
	// ReleaseWaiting waits for the gates before the start; the new version has no pods yet. Without such gates it is left out.
	ReleaseWaiting ReleasePhase = "Waiting"
	// ReleasePreparing waits for the new version's pods, sidecars included.
	ReleasePreparing ReleasePhase = "Preparing"
	// ReleaseConnecting waits until every caller can reach the new version.
	ReleaseConnecting ReleasePhase = "Connecting"
	// ReleaseShifting waits until every caller serves the wanted weight.
	ReleaseShifting ReleasePhase = "Shifting"
	// ReleaseObserving gathers proof for the verified weight.
	ReleaseObserving ReleasePhase = "Observing"
	// ReleaseDraining lets requests in flight to the version without weight end.
	ReleaseDraining ReleasePhase = "Draining"
	// ReleaseRetiring waits until the pods of the version without weight are gone; its subset goes last.
	ReleaseRetiring ReleasePhase = "Retiring"
	// ReleasePromoted is the good end: the new version is the current one.
	ReleasePromoted ReleasePhase = "Promoted"
	// ReleaseReturning waits until every caller serves the old version alone.
	ReleaseReturning ReleasePhase = "Returning"
	// ReleaseRolledBack is the other end: the old version is still the current one.
	ReleaseRolledBack ReleasePhase = "RolledBack"
)

// Finished tells whether the phase is an end.
func (p ReleasePhase) Finished() bool { return p == ReleasePromoted || p == ReleaseRolledBack }

// ReleaseStatus is where the release stands, and its record.
type ReleaseStatus struct {
	// Phase the release is in.
	// +optional
	Phase ReleasePhase `json:"phase,omitempty"`
	// Since when the phase lasts.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`
	// Message says in one line what happens or is waited for.
	// +optional
	Message string `json:"message,omitempty"`
	// Reason of the way back, when there is one: Aborted, Superseded, Unhealthy, NotReady, NoData, MetricsError, GateFailed,
	// Lost or Unit.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Withdraws is why the release asks its unit to go back, after it gave its word to go on; the unit's first release decides.
	// +optional
	Withdraws string `json:"withdraws,omitempty"`
	// Step is the number of the step the release is in; 0 before the first.
	// +optional
	Step int32 `json:"step"`
	// Wanted is what the release asks of the mesh. The application's controller carries it out.
	// +listType=map
	// +listMapKey=version
	// +optional
	Wanted []VersionWanted `json:"wanted,omitempty"`
	// Verified is what every caller was last seen to serve.
	// +optional
	Verified *Verified `json:"verified,omitempty"`
	// Verdict is the newest judgement.
	// +optional
	Verdict *Verdict `json:"verdict,omitempty"`
	// DrainUntil is when the version without weight may lose its pods.
	// +optional
	DrainUntil *metav1.MicroTime `json:"drainUntil,omitempty"`
	// Steps is the record of the steps taken.
	// +listType=atomic
	// +optional
	Steps []StepRecord `json:"steps,omitempty"`
	// Gates are those asked so far.
	// +listType=atomic
	// +optional
	Gates []GateRecord `json:"gates,omitempty"`
	// StartedAt and FinishedAt bound the release.
	// +optional
	StartedAt *metav1.MicroTime `json:"startedAt,omitempty"`
	// +optional
	FinishedAt *metav1.MicroTime `json:"finishedAt,omitempty"`
	// Conditions are Verified and Healthy.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Conditions of a Release.
const (
	// ConditionVerified is true when every caller serves what is wanted.
	ConditionVerified = "Verified"
	// ConditionHealthy is the newest verdict; unknown when there is nothing to judge by.
	ConditionHealthy = "Healthy"
)

// ReleaseList is a list of releases.
//
// +kubebuilder:object:root=true
type ReleaseList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Release `json:"items"`
}
