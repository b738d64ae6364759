// SPDX-License-Identifier: Apache-2.0

package container

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestProblem(t *testing.T) {
	waiting := func(reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "reviews", Image: "reviews:v9", State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "so\n  it is"},
		}}
	}
	ended := func(code int32, reason string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: "no database"}}
	}
	crashed := waiting("CrashLoopBackOff")
	crashed.LastTerminationState = ended(3, "Error")
	for name, tt := range map[string]struct {
		status corev1.ContainerStatus
		want   string
	}{
		"image that is not there": {waiting("ImagePullBackOff"), "image reviews:v9 cannot be pulled: so it is"},
		"image that is no name":   {waiting("InvalidImageName"), "image reviews:v9 cannot be pulled: so it is"},
		"registry that is down":   {waiting("RegistryUnavailable"), "image reviews:v9 cannot be pulled: so it is"},
		"names what is not there": {waiting("CreateContainerConfigError"), "container reviews cannot be started: so it is"},
		"crashes":                 {crashed, "container reviews ends with exit code 3: no database"},
		"crashes, nobody saw how": {waiting("CrashLoopBackOff"), "container reviews keeps ending"},
		"out of memory": {
			corev1.ContainerStatus{Name: "reviews", State: ended(137, "OOMKilled")}, "container reviews ends with exit code 137 (OOMKilled): no database",
		},
		"done":       {corev1.ContainerStatus{State: ended(0, "Completed")}, ""},
		"being made": {waiting("ContainerCreating"), ""},
		"runs":       {corev1.ContainerStatus{Ready: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Problem(tt.status); got != tt.want {
				t.Errorf("want %q, got %q", tt.want, got)
			}
		})
	}
}

func TestWordsOfProblemsAreShort(t *testing.T) {
	status := corev1.ContainerStatus{State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: strings.Repeat("word ", 200)},
	}}
	if got := Problem(status); !strings.HasSuffix(got, "…") || len(got) > 300 {
		t.Errorf("got %d characters: %s", len(got), got)
	}
}
