// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Gate is asked at a point of the release, which waits there until the gate opens. The way back never waits for a gate.
//
// +kubebuilder:validation:XValidation:rule="[has(self.approval), has(self.webhook), has(self.job)].filter(said, said).size() == 1",message="a gate is one of approval, webhook or job"
type Gate struct {
	// Name of the gate, unique in its strategy.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// At is the point at which it is asked.
	At GatePoint `json:"at"`
	// Approval opens when somebody approves, by: weir release approve.
	// +optional
	Approval *ApprovalGate `json:"approval,omitempty"`
	// Webhook opens when the server answers with a status below 300.
	// +optional
	Webhook *WebhookGate `json:"webhook,omitempty"`
	// Job opens when the Job completes.
	// +optional
	Job *JobGate `json:"job,omitempty"`
	// Deadline is how long the gate may stay closed before it counts as failed. Default: none for an approval, else 10m.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="deadline lies between 1s and 720h"
	// +optional
	Deadline *metav1.Duration `json:"deadline,omitempty"`
}

// GatePoint is a point of a release.
//
// +kubebuilder:validation:Enum=BeforeStart;BeforeStep;BeforePromotion;AfterRelease
type GatePoint string

// The points at which gates are asked.
const (
	// GateBeforeStart is before the new version gets pods.
	GateBeforeStart GatePoint = "BeforeStart"
	// GateBeforeStep is before each step, the last one included.
	GateBeforeStep GatePoint = "BeforeStep"
	// GateBeforePromotion is before the new version receives all requests.
	GateBeforePromotion GatePoint = "BeforePromotion"
	// GateAfterRelease is when the release has ended, well or badly. It holds nothing back.
	GateAfterRelease GatePoint = "AfterRelease"
)

// ApprovalGate opens when somebody approves.
type ApprovalGate struct{}

// WebhookGate asks a server: it gets a POST with the release, its step and its weights as JSON.
type WebhookGate struct {
	// URL of the server.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://`
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getHost() != ''",message="this is no address; write it as https://host/path"
	URL string `json:"url"`
	// Timeout of one question. Default: 5s.
	// +kubebuilder:default="5s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('100ms') && duration(self) <= duration('30s')",message="timeout lies between 100ms and 30s"
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`
}

// JobGate runs a container to its end, outside the mesh.
type JobGate struct {
	// Image of the container.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\s')",message="an image is written without white space, for example registry.example/check:v2"
	Image string `json:"image"`
	// Command replaces the image's entrypoint.
	// +listType=atomic
	// +optional
	Command []string `json:"command,omitempty"`
	// Args are the arguments of the container. WEIR_RELEASE, WEIR_FROM, WEIR_TO and WEIR_STEP are in its environment.
	// +listType=atomic
	// +optional
	Args []string `json:"args,omitempty"`
	// Env are environment variables of the container.
	// +listType=map
	// +listMapKey=name
	// +optional
	Env []corev1.EnvVar `json:"env,omitempty"`
	// Retries of the container before the Job has failed. Default: 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	// +optional
	Retries int32 `json:"retries,omitempty"`
}

// Window is a time of the week in which steps may be taken.
//
// +kubebuilder:validation:XValidation:rule="!has(self.from) || !has(self.to) || self.from != self.to",fieldPath=".to",message="the window ends when it begins; leave both out for the whole day"
type Window struct {
	// Days of the week. Default: all.
	// +listType=set
	// +kubebuilder:validation:MaxItems=7
	// +optional
	Days []Weekday `json:"days,omitempty"`
	// From is when it begins, as 09:00. Default: 00:00.
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	// +optional
	From string `json:"from,omitempty"`
	// To is when it ends, as 17:00; before From it is on the next day. Default: 24:00.
	// +kubebuilder:validation:Pattern=`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`
	// +optional
	To string `json:"to,omitempty"`
	// Zone of the times, such as Europe/Berlin. Default: UTC.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_+/-]+$`
	// +optional
	Zone string `json:"zone,omitempty"`
}

// Weekday is a day of the week.
//
// +kubebuilder:validation:Enum=Mon;Tue;Wed;Thu;Fri;Sat;Sun
type Weekday string
