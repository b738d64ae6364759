// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Strategy says how a new version of a component takes over from the old one. Many components may name the same.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=strat,categories=weir
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Components",type=integer,JSONPath=`.status.components`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Strategy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec   StrategySpec   `json:"spec"`
	Status StrategyStatus `json:"status,omitempty"`
}

// StrategyStatus says who uses the strategy, and whether it can be carried out.
type StrategyStatus struct {
	// ObservedGeneration is the generation of the spec that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Components is how many components name the strategy.
	// +optional
	Components int32 `json:"components,omitempty"`
	// UsedBy names them as application/component, at most twenty; a template says the namespace before.
	// +listType=atomic
	// +optional
	UsedBy []string `json:"usedBy,omitempty"`
	// Conditions are Accepted.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ConditionAccepted of a Strategy is true when nothing is wrong with it for any component that names it.
const ConditionAccepted = "Accepted"

// StrategyType is a way to exchange versions.
//
// +kubebuilder:validation:Enum=Canary;BlueGreen;Mirror;ABTest
type StrategyType string

// The ways to exchange versions. Steps of every kind may be combined in any of them; the type says what steps there are
// when none are given, and what the given ones must hold.
const (
	// StrategyCanary gives the new version a growing share of the requests.
	StrategyCanary StrategyType = "Canary"
	// StrategyBlueGreen brings the new version up beside the old one without requests, and then gives it all of them at once.
	StrategyBlueGreen StrategyType = "BlueGreen"
	// StrategyMirror sends the new version copies of requests, whose answers nobody gets, before it gets any.
	StrategyMirror StrategyType = "Mirror"
	// StrategyABTest gives the new version the requests that match.
	StrategyABTest StrategyType = "ABTest"
)

// StrategySpec is the way a release goes.
//
// +kubebuilder:validation:XValidation:rule="!has(self.ramp) || !has(self.steps) || self.steps.all(s, !has(s.weight) || s.weight == 0)",fieldPath=".ramp",message="weights are given by ramp or by steps, not by both; beside a ramp, steps only mirror or match"
// +kubebuilder:validation:XValidation:rule="self.type == 'BlueGreen' || !has(self.steps) || self.steps.all(s, has(s.weight) && s.weight > 0 || has(s.match) || has(s.mirror))",fieldPath=".steps",message="a step needs a weight from 1 to 100, a match or a mirror"
// +kubebuilder:validation:XValidation:rule="self.type != 'ABTest' || has(self.steps) && self.steps.exists(s, has(s.match))",fieldPath=".steps",message="an A/B test needs a step with match, which tells the requests of the new version from the others"
// +kubebuilder:validation:XValidation:rule="self.type != 'Mirror' || !has(self.steps) || self.steps.exists(s, has(s.mirror))",fieldPath=".steps",message="a mirror release needs a step with mirror; leave steps out for one that copies every request"
// +kubebuilder:validation:XValidation:rule="self.type != 'BlueGreen' || !has(self.ramp) && (!has(self.steps) || self.steps.all(s, !has(s.weight) || s.weight in [0, 100]))",fieldPath=".steps",message="a blue-green release gives all requests at once; leave weights out, or use type Canary"
type StrategySpec struct {
	// Type of the strategy. Default: Canary.
	// +kubebuilder:default=Canary
	// +optional
	Type StrategyType `json:"type,omitempty"`
	// Steps are taken one after the other; the new version receives all requests by itself after the last.
	// Default: for Mirror one step that copies every request, for BlueGreen one step without requests, else none.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.map(s, has(s.weight) ? s.weight : 0).isSorted()",message="weights must grow from step to step, for example 10, 50, 100"
	// +kubebuilder:validation:XValidation:rule="self.all(s, has(s.match) || has(s.mirror) || self.exists_one(o, (has(o.weight) ? o.weight : 0) == (has(s.weight) ? s.weight : 0) && !has(o.match) && !has(o.mirror)))",message="two steps have the same weight; weights must grow from step to step, for example 10, 50, 100"
	// +optional
	Steps []Step `json:"steps,omitempty"`
	// Ramp gives the weights by a rule, such as 10 % an hour up to 100. Steps without weight come before it.
	// +optional
	Ramp *Ramp `json:"ramp,omitempty"`
	// Analysis is what a step must prove before the next. Default: nothing but ready pods.
	// +optional
	Analysis *Analysis `json:"analysis,omitempty"`
	// Gates are asked at named points; the release waits until they open.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Gates []Gate `json:"gates,omitempty"`
	// Windows are the times in which steps are taken. Outside of them weights stay; the way back is always open. Default: always.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Windows []Window `json:"windows,omitempty"`
	// Sticky keeps a user who was once answered by the new version with it, by a cookie.
	// +optional
	Sticky *Sticky `json:"sticky,omitempty"`
	// Capacity says how many pods the new version has. Default: Full.
	// +kubebuilder:default=Full
	// +optional
	Capacity Capacity `json:"capacity,omitempty"`
	// OnFailure is what follows a failed verdict. Default: Rollback.
	// +kubebuilder:default=Rollback
	// +optional
	OnFailure FailureAction `json:"onFailure,omitempty"`
	// Warm is how long the old version keeps its pods after the new one serves everything and has passed, so that the way
	// back is one write. Default: 0s; 5m for BlueGreen.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('720h')",message="warm lies between 0s and 720h"
	// +optional
	Warm *metav1.Duration `json:"warm,omitempty"`
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

// Capacity says how many pods the new version has on its way.
//
// +kubebuilder:validation:Enum=Full;Follow
type Capacity string

// How many pods the new version has.
const (
	// CapacityFull gives the new version as many pods as the old one from the start.
	CapacityFull Capacity = "Full"
	// CapacityFollow gives it as many as the next weight needs, before it gets the weight.
	CapacityFollow Capacity = "Follow"
)

// Step is one way to share requests, and the time it is held.
type Step struct {
	// Weight is the share of requests, in percent, that the new version receives of those that match nothing. Default: 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	Weight int32 `json:"weight,omitempty"`
	// Match picks requests that all go to the new version: those that any of the matches picks.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Match []Match `json:"match,omitempty"`
	// Mirror sends the new version copies of the requests that the old one answers.
	// +optional
	Mirror *Mirror `json:"mirror,omitempty"`
	// Hold is how long the step lasts at least, counted from when every caller serves it. Default: analysis.interval, else 0s.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('720h')",message="hold lies between 0s and 720h"
	// +optional
	Hold *metav1.Duration `json:"hold,omitempty"`
}

// Ramp gives weights by a rule: start, start+step, start+2·step and so on up to max; all requests follow.
//
// +kubebuilder:validation:XValidation:rule="!has(self.start) || !has(self.max) || self.start <= self.max",fieldPath=".start",message="start must not be above max"
type Ramp struct {
	// Start is the first weight, in percent. Default: step.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Start int32 `json:"start,omitempty"`
	// Step is what is added each time, in percent.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Step int32 `json:"step"`
	// Interval is how long each weight is held.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('720h')",message="interval lies between 0s and 720h"
	Interval metav1.Duration `json:"interval"`
	// Max is the last weight before all requests, in percent. Default: 100.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Max int32 `json:"max,omitempty"`
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

// StrategyList is a list of strategies.
//
// +kubebuilder:object:root=true
type StrategyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Strategy `json:"items"`
}
