// SPDX-License-Identifier: Apache-2.0

// Package container says why a container does not run.
package container

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The reasons that a kubelet gives a container that waits (k8s.io/kubernetes, pkg/kubelet/images and pkg/kubelet/kuberuntime).
var (
	unfetched = []string{
		"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable",
	}
	unmade = []string{"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)

// Unfetched tells whether a container waits for its image, which cannot be had.
func Unfetched(reason string) bool { return slices.Contains(unfetched, reason) }

// Unmade tells whether a container cannot be made or started as it is described.
func Unmade(reason string) bool { return slices.Contains(unmade, reason) }

// Problem says in words why the container does not run; empty when it does, or only needs more time.
func Problem(status corev1.ContainerStatus) string {
	if waiting := status.State.Waiting; waiting != nil {
		switch {
		case Unfetched(waiting.Reason):
			return fmt.Sprintf("image %s cannot be pulled: %s", status.Image, oneLine(waiting.Message))
		case Unmade(waiting.Reason):
			return fmt.Sprintf("container %s cannot be started: %s", status.Name, oneLine(waiting.Message))
		case waiting.Reason == "CrashLoopBackOff":
			return crash(status)
		}
	}
	if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
		return crash(status)
	}
	return ""
}

func crash(status corev1.ContainerStatus) string {
	ended := status.LastTerminationState.Terminated
	if status.State.Terminated != nil {
		ended = status.State.Terminated
	}
	if ended == nil {
		return fmt.Sprintf("container %s keeps ending", status.Name)
	}
	text := fmt.Sprintf("container %s ends with exit code %d", status.Name, ended.ExitCode)
	if ended.Reason != "" && ended.Reason != "Error" {
		text += " (" + ended.Reason + ")"
	}
	if message := oneLine(ended.Message); message != "" {
		text += ": " + message
	}
	return text
}

func oneLine(s string) string {
	const limit = 200
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return s
}
