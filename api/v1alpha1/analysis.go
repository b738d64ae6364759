// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Analysis is the proof a step has to give, from requests as the callers saw them since the step's weight was verified.
type Analysis struct {
	// Interval is the least time a step is watched. It is judged more often than that: each second at first, and each ten
	// seconds when it has lasted long. Default: 30s.
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="interval lies between 1s and 24h"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`
	// MinRequests is the number of requests to the new version below which nothing is judged but the error budget. Default: 50.
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
	// ErrorBudget bounds the requests that may fail in the whole step, however few there are.
	// +optional
	ErrorBudget *ErrorBudget `json:"errorBudget,omitempty"`
	// RequestRate bounds how many requests a second the new version gets.
	// +optional
	RequestRate *RequestRate `json:"requestRate,omitempty"`
	// Unanswered bounds the share of requests that callers got no answer to: no pod, no connection, reset or time-out.
	// +optional
	Unanswered *Unanswered `json:"unanswered,omitempty"`
	// Compare holds the new version against the one that runs beside it, by statistical tests.
	// +optional
	Compare *Compare `json:"compare,omitempty"`
	// Metrics are values of the user's own.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Metrics []Metric `json:"metrics,omitempty"`
	// Server is where metrics are read. Default: the Prometheus that Weir was installed with.
	// +optional
	Server *MetricsServer `json:"server,omitempty"`
	// Deadline is how long a step may wait for enough requests to decide by. Default: 10m.
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="deadline lies between 1s and 720h"
	// +optional
	Deadline *metav1.Duration `json:"deadline,omitempty"`
	// OnNoData is what happens when the deadline passes without enough requests, or without a decision because chance may
	// still explain what was seen. Default: Hold, which waits on.
	// +kubebuilder:default=Hold
	// +optional
	OnNoData MissingAction `json:"onNoData,omitempty"`
	// OnMetricsError is what happens when the deadline passes while the metrics cannot be read, or are old. Default: Hold,
	// which waits on.
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
	// Max is the longest time the quantile may reach. Proxies count in buckets, and can prove it only where one ends: at 1, 5,
	// 10, 25, 50, 100, 250 or 500 ms, 1, 2.5, 5 or 10 s, and so on.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms') && duration(self) <= duration('1h')",message="max lies between 1ms and 1h"
	Max metav1.Duration `json:"max"`
}

// ErrorBudget is a number of failed requests.
type ErrorBudget struct {
	// MaxFailures is how many requests of the step may fail.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	MaxFailures int64 `json:"maxFailures"`
}

// RequestRate bounds requests a second.
//
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || self.min <= self.max",fieldPath=".min",message="no value is above min and below max at once; min must not be above max"
// +kubebuilder:validation:XValidation:rule="has(self.min) || has(self.max)",message="say min or max"
type RequestRate struct {
	// Min is the least rate, in requests a second.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Min *float64 `json:"min,omitempty"`
	// Max is the greatest rate, in requests a second.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Max *float64 `json:"max,omitempty"`
}

// Unanswered bounds requests that ended with a response flag of the caller's proxy instead of an answer.
type Unanswered struct {
	// MaxPercent of the requests.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxPercent float64 `json:"maxPercent"`
}

// Compare holds the new version against the old one in the same stretch of time. It fails when the new version is worse
// by more than is said, and chance does not explain it.
type Compare struct {
	// MaxErrorIncrease is how many more of 100 requests may fail, in percentage points. Default: 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	MaxErrorIncrease float64 `json:"maxErrorIncrease,omitempty"`
	// MaxLatencyIncrease is how much longer requests may take at the quantile, in percent. It is proven by whole buckets of
	// the proxies, of which each is some twice the one before. Default: not compared.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	// +optional
	MaxLatencyIncrease *float64 `json:"maxLatencyIncrease,omitempty"`
	// Quantile at which latency is compared. Default: P95.
	// +kubebuilder:default=P95
	// +optional
	Quantile Quantile `json:"quantile,omitempty"`
	// Confidence of the tests, in percent. Default: 99.
	// +kubebuilder:default=99
	// +kubebuilder:validation:Minimum=80
	// +kubebuilder:validation:Maximum=99.99
	// +optional
	Confidence float64 `json:"confidence,omitempty"`
}

// Metric is a value of the user's own, and its bounds.
//
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || self.min <= self.max",fieldPath=".min",message="no value is above min and below max at once; min must not be above max"
// +kubebuilder:validation:XValidation:rule="has(self.min) || has(self.max)",message="say min or max"
type Metric struct {
	// Name of what is measured.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Query in PromQL whose result is one number. In quotes $(component), $(namespace), $(host), $(from) and $(to) are
	// replaced by those of the release, and $(window), where a duration may stand, by the time since every caller serves
	// the weight. It is looked at once the step has lasted its time, and every now and then until the step ends.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule="self.trim() != ''",message="there is no query; write one in PromQL whose result is one number"
	// +kubebuilder:validation:XValidation:rule="self.findAll('[$][(][^)]*[)]').all(v, v in ['$(component)', '$(namespace)', '$(host)', '$(from)', '$(to)', '$(window)'])",message="a variable is not known; known are $(component), $(namespace), $(host), $(from), $(to) and $(window)"
	Query string `json:"query"`
	// Min is the least value that passes.
	// +optional
	Min *float64 `json:"min,omitempty"`
	// Max is the greatest value that passes.
	// +optional
	Max *float64 `json:"max,omitempty"`
}

// MetricsServer is a server that speaks the HTTP API of Prometheus.
type MetricsServer struct {
	// URL of the server, such as https://metrics.example/prometheus.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://`
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getHost() != ''",message="this is no address; write it as https://host/path"
	URL string `json:"url"`
	// Secret names a Secret in the release's namespace that holds any of token, username and password, and ca.crt.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Secret string `json:"secret,omitempty"`
}
