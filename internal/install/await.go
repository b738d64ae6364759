// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"fmt"
	"io"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	controllerName     = "weir-controller"
	controllerSelector = "app.kubernetes.io/name=weir,app.kubernetes.io/component=controller"
)

// awaitController waits until every controller runs the new pod template and is available. A pod that cannot come up
// by waiting ends it at once.
func (t *target) awaitController(ctx context.Context, note func(string)) error {
	why := "no pods yet"
	err := wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
		found, err := t.kube.AppsV1().Deployments(t.namespace).Get(ctx, controllerName, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		if rolledOut(found) {
			note(fmt.Sprintf("%d of %d", found.Status.AvailableReplicas, *found.Spec.Replicas))
			return true, nil
		}
		pods, err := t.kube.CoreV1().Pods(t.namespace).List(ctx, metav1.ListOptions{LabelSelector: controllerSelector})
		if err != nil {
			return false, err
		}
		for _, pod := range pods.Items {
			problem := podProblem(&pod)
			if problem.text != "" {
				why = problem.text
			}
			if problem.final {
				return false, fmt.Errorf("%s%s", problem.text, t.lastLines(ctx, pod.Name))
			}
		}
		return false, nil
	})
	if ctx.Err() != nil {
		return fmt.Errorf("%s is not ready: %s; see `kubectl -n %s describe pods`", controllerName, why, t.namespace)
	}
	return err
}

// rolledOut tells whether the newest template runs in all pods, and only there.
func rolledOut(d *appsv1.Deployment) bool {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	s := d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == want && s.AvailableReplicas == want && s.Replicas == want
}

// problem says why a pod is not ready; final means that waiting will not help.
type problem struct {
	text  string
	final bool
}

// finalReasons are the waiting reasons of a container that do not pass by themselves, with the way out.
var finalReasons = map[string]string{
	"ErrImageNeverPull":          "load the image into the node, or set imagePullPolicy",
	"ImagePullBackOff":           "push an image there and name it with --image; `weir image build` makes one",
	"InvalidImageName":           "name another with --image",
	"CreateContainerConfigError": "see `kubectl describe` for the pod",
	"CrashLoopBackOff":           "its last words follow",
}

func podProblem(pod *corev1.Pod) problem {
	if pod.DeletionTimestamp != nil {
		return problem{}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return problem{text: fmt.Sprintf("pod %s has no node: %s", pod.Name, condition.Message)}
		}
	}
	for _, container := range pod.Status.ContainerStatuses {
		waiting := container.State.Waiting
		if waiting == nil {
			continue
		}
		text := strings.TrimSuffix(fmt.Sprintf("pod %s: %s: %s", pod.Name, waiting.Reason, waiting.Message), ": ")
		if way, ok := finalReasons[waiting.Reason]; ok {
			return problem{text: fmt.Sprintf("%s (image %s); %s", text, container.Image, way), final: true}
		}
		return problem{text: text}
	}
	return problem{text: fmt.Sprintf("pod %s is not ready", pod.Name)}
}

// lastLines are the last words of a pod's container that ended, for an error; empty if there are none.
func (t *target) lastLines(ctx context.Context, pod string) string {
	lines := int64(5)
	stream, err := t.kube.CoreV1().Pods(t.namespace).GetLogs(pod, &corev1.PodLogOptions{Previous: true, TailLines: &lines}).Stream(ctx)
	if err != nil {
		return ""
	}
	defer stream.Close()
	text, err := io.ReadAll(io.LimitReader(stream, 4096))
	if err != nil || len(text) == 0 {
		return ""
	}
	return ":\n" + strings.TrimRight(string(text), "\n")
}
