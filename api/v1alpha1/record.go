// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Verified is what every caller was seen to serve.
type Verified struct {
	// Weight of the new version, in percent.
	Weight int32 `json:"weight"`
	// Matched is true when the requests that match go to the new version.
	// +optional
	Matched bool `json:"matched,omitempty"`
	// Mirrored is true when it gets copies of requests.
	// +optional
	Mirrored bool `json:"mirrored,omitempty"`
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

// VerdictResult is one of five answers; the last two are not about the version.
type VerdictResult string

// The verdicts.
const (
	VerdictPass VerdictResult = "Pass"
	VerdictFail VerdictResult = "Fail"
	// VerdictUndecided is for a version that is beyond a bound by so little, or after so few requests, that it may be chance.
	VerdictUndecided VerdictResult = "Undecided"
	VerdictNoData    VerdictResult = "NoData"
	VerdictError     VerdictResult = "Error"
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
	// Name of what was measured: requests, success, failures, unanswered, rate, a latency quantile such as P95, any of
	// these beside the old version's, or a metric of the user's own.
	Name string `json:"name"`
	// Value measured, with its unit.
	Value string `json:"value"`
	// Bound it was held against.
	// +optional
	Bound string `json:"bound,omitempty"`
	// Result of holding it against the bound.
	// +optional
	Result VerdictResult `json:"result,omitempty"`
	// Confidence says where the true value lies, and how sure that is.
	// +optional
	Confidence string `json:"confidence,omitempty"`
	// Query that was asked, cut after 1000 characters.
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
	// Match picks requests that all go to it. It was checked as part of the strategy.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	Match []Match `json:"match,omitempty"`
	// Mirror sends it copies.
	// +optional
	Mirror *Mirror `json:"mirror,omitempty"`
	// WantedAt is when the weight was decided.
	WantedAt metav1.MicroTime `json:"wantedAt"`
	// VerifiedAt is when every caller served it.
	// +optional
	VerifiedAt *metav1.MicroTime `json:"verifiedAt,omitempty"`
	// PassedAt is when its time was over and its proof given. The next step may have had to wait on.
	// +optional
	PassedAt *metav1.MicroTime `json:"passedAt,omitempty"`
	// Verdict that ended the step.
	// +optional
	Verdict *Verdict `json:"verdict,omitempty"`
}

// GateState is how a gate stands.
type GateState string

// How a gate stands.
const (
	GateWaiting GateState = "Waiting"
	GateOpen    GateState = "Open"
	GateFailed  GateState = "Failed"
)

// GateRecord is what became of a gate at one point.
type GateRecord struct {
	// Name of the gate.
	Name string `json:"name"`
	// At is the point it was asked at.
	At GatePoint `json:"at"`
	// Step it was asked before; 0 for a gate that is asked once.
	// +optional
	Step int32 `json:"step,omitempty"`
	// State it is in.
	State GateState `json:"state"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// By is who opened it, when it was somebody.
	// +optional
	By string `json:"by,omitempty"`
	// AskedAt is when it was asked first, DecidedAt when it opened or failed.
	AskedAt metav1.MicroTime `json:"askedAt"`
	// +optional
	DecidedAt *metav1.MicroTime `json:"decidedAt,omitempty"`
}
