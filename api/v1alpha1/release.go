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
// +kubebuilder:validation:XValidation:rule="self.application == oldSelf.application && self.component == oldSelf.component && self.from == oldSelf.from && self.to == oldSelf.to && self.strategy == oldSelf.strategy",message="a release keeps the application, component, versions and strategy it was made with; only paused, promote and abort can be set"
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
	// Strategy is the strategy as it was when the release began.
	Strategy StrategySpec `json:"strategy"`
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
}

// ReleasePhase is where a release stands.
type ReleasePhase string

// The phases in the order a good release passes them, then the way back.
const (
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
	// Reason of the way back, when there is one: Aborted, Superseded, Unhealthy, NotReady, NoData or MetricsError.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Step counts the steps entered so far; 0 before the first.
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

// VersionWanted is what one version should have.
type VersionWanted struct {
	Version string `json:"version"`
	// Replicas is the number of pods; 0 removes the workload.
	Replicas int32 `json:"replicas"`
	// Subset makes the version reachable for callers.
	Subset bool `json:"subset"`
	// Weight is its share of the requests, in percent.
	Weight int32 `json:"weight"`
}

// Verified is what every caller was seen to serve.
type Verified struct {
	// Weight of the new version, in percent.
	Weight int32 `json:"weight"`
	// At is when it was seen.
	At metav1.MicroTime `json:"at"`
	// Method by which it was seen.
	Method string `json:"method"`
	// Proxies that were asked.
	Proxies int32 `json:"proxies"`
	// Lagging names proxies that do not serve what is wanted, at most ten.
	// +listType=atomic
	// +optional
	Lagging []string `json:"lagging,omitempty"`
}

// VerdictResult is one of four answers; the last two are not about the version.
type VerdictResult string

// The four verdicts.
const (
	VerdictPass   VerdictResult = "Pass"
	VerdictFail   VerdictResult = "Fail"
	VerdictNoData VerdictResult = "NoData"
	VerdictError  VerdictResult = "Error"
)

// Verdict is a judgement with its evidence.
type Verdict struct {
	Result VerdictResult `json:"result"`
	// Message says why in one line.
	Message string `json:"message"`
	// At is when it was given.
	At metav1.MicroTime `json:"at"`
	// Requests that it is based on.
	Requests int64 `json:"requests"`
	// Evidence are the measurements.
	// +listType=atomic
	// +optional
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence is one measurement.
type Evidence struct {
	// Name of what was measured: requests, success or a latency quantile such as P95.
	Name string `json:"name"`
	// Value measured, with its unit.
	Value string `json:"value"`
	// Bound it was held against.
	// +optional
	Bound string `json:"bound,omitempty"`
	// Query that was asked.
	// +optional
	Query string `json:"query,omitempty"`
	// Window that the query looked back.
	// +optional
	Window string `json:"window,omitempty"`
}

// StepRecord is what happened in one step.
type StepRecord struct {
	// Weight of the new version, in percent.
	Weight int32 `json:"weight"`
	// WantedAt is when the weight was decided.
	WantedAt metav1.MicroTime `json:"wantedAt"`
	// VerifiedAt is when every caller served it.
	// +optional
	VerifiedAt *metav1.MicroTime `json:"verifiedAt,omitempty"`
	// Verdict that ended the step.
	// +optional
	Verdict *Verdict `json:"verdict,omitempty"`
}

// ReleaseList is a list of releases.
//
// +kubebuilder:object:root=true
type ReleaseList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Release `json:"items"`
}

func init() { SchemeBuilder.Register(&Release{}, &ReleaseList{}) }
