// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Strategy says how a new version of a component takes over from the old one. Many components may name the same.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=strat,categories=weir
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Strategy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec StrategySpec `json:"spec"`
}

// StrategyType is a way to exchange versions.
//
// +kubebuilder:validation:Enum=Canary
type StrategyType string

// StrategyCanary gives the new version a growing share of the requests.
const StrategyCanary StrategyType = "Canary"

// StrategySpec is the way a release goes.
type StrategySpec struct {
	// Type of the strategy. Default: Canary.
	// +kubebuilder:default=Canary
	// +optional
	Type StrategyType `json:"type,omitempty"`
	// Steps are the growing shares of requests, in percent, that the new version receives. 100 follows by itself after the last.
	// Default: 100 at once.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.map(s, s.weight).isSorted()",message="weights must grow from step to step, for example 10, 50, 100"
	// +kubebuilder:validation:XValidation:rule="self.all(s, self.exists_one(o, o.weight == s.weight))",message="two steps have the same weight; weights must grow from step to step, for example 10, 50, 100"
	// +optional
	Steps []Step `json:"steps,omitempty"`
	// Analysis is what a step must prove before the next. Default: nothing but ready pods.
	// +optional
	Analysis *Analysis `json:"analysis,omitempty"`
	// OnFailure is what follows a failed verdict. Default: Rollback.
	// +kubebuilder:default=Rollback
	// +optional
	OnFailure FailureAction `json:"onFailure,omitempty"`
	// Drain is how long a version without weight keeps its pods, so that requests in flight end. Default: 10s.
	// +kubebuilder:default="10s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="drain lies between 0s and 24h"
	// +optional
	Drain *metav1.Duration `json:"drain,omitempty"`
	// ReadyDeadline is how long the new version's pods may take to become ready. Default: 5m.
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="readyDeadline lies between 1s and 24h"
	// +optional
	ReadyDeadline *metav1.Duration `json:"readyDeadline,omitempty"`
}

// Step is one share of the requests and the time it is held.
type Step struct {
	// Weight is the share of requests, in percent, that the new version receives.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Weight int32 `json:"weight"`
	// Hold is how long the weight stays at least, counted from when every caller serves it. Default: analysis.interval, else 0s.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('720h')",message="hold lies between 0s and 720h"
	// +optional
	Hold *metav1.Duration `json:"hold,omitempty"`
}

// FailureAction is what follows a failed verdict.
//
// +kubebuilder:validation:Enum=Rollback;Pause
type FailureAction string

// What follows a failed verdict.
const (
	// FailureRollback gives all requests back to the old version.
	FailureRollback FailureAction = "Rollback"
	// FailurePause keeps the weights as they are and waits for the user.
	FailurePause FailureAction = "Pause"
)

// Analysis is the proof a step has to give, from requests as the callers saw them since the step's weight was verified.
type Analysis struct {
	// Interval is the least time a step is watched, and how often it is judged after that. Default: 30s.
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="interval lies between 1s and 24h"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`
	// MinRequests is the number of requests to the new version below which nothing is judged. Default: 50.
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	// +optional
	MinRequests int64 `json:"minRequests,omitempty"`
	// SuccessRate bounds the share of requests that did not end in a 5xx or without an answer.
	// +optional
	SuccessRate *SuccessRate `json:"successRate,omitempty"`
	// Latency bounds how long requests take.
	// +optional
	Latency *Latency `json:"latency,omitempty"`
	// Deadline is how long a step may wait for enough requests. Default: 10m.
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="deadline lies between 1s and 720h"
	// +optional
	Deadline *metav1.Duration `json:"deadline,omitempty"`
	// OnNoData is what happens when the deadline passes without enough requests. Default: Hold, which waits on.
	// +kubebuilder:default=Hold
	// +optional
	OnNoData MissingAction `json:"onNoData,omitempty"`
	// OnMetricsError is what happens when Prometheus cannot be asked until the deadline passes. Default: Hold, which waits on.
	// +kubebuilder:default=Hold
	// +optional
	OnMetricsError MissingAction `json:"onMetricsError,omitempty"`
}

// MissingAction is what follows when there is nothing to judge by.
//
// +kubebuilder:validation:Enum=Hold;Pass;Fail
type MissingAction string

// What follows when there is nothing to judge by.
const (
	MissingHold MissingAction = "Hold"
	MissingPass MissingAction = "Pass"
	MissingFail MissingAction = "Fail"
)

// SuccessRate bounds the share of good answers.
type SuccessRate struct {
	// MinPercent is the least share of good answers, in percent.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MinPercent float64 `json:"minPercent"`
}

// Quantile is a point of the latency distribution.
//
// +kubebuilder:validation:Enum=P50;P90;P95;P99
type Quantile string

// Latency bounds a quantile of the time requests take.
type Latency struct {
	// Quantile that is bounded. Default: P95.
	// +kubebuilder:default=P95
	// +optional
	Quantile Quantile `json:"quantile,omitempty"`
	// Max is the longest time the quantile may reach.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms') && duration(self) <= duration('1h')",message="max lies between 1ms and 1h"
	Max metav1.Duration `json:"max"`
}

// StrategyList is a list of strategies.
//
// +kubebuilder:object:root=true
type StrategyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Strategy `json:"items"`
}

func init() { SchemeBuilder.Register(&Strategy{}, &StrategyList{}) }
