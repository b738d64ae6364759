// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/plan/revision"
)

// patience with what is asked for one pod.
const patience = 5 * time.Second

// try asks the API server for a pod like that, without making it, and returns why it would have no sidecar; empty when it
// would have one.
func (r *Reconciler) try(ctx context.Context, namespace, name string) (string, error) {
	var like corev1.Pod
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &like); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, GenerateName: name + "-", Labels: like.Labels, Annotations: like.Annotations, OwnerReferences: like.OwnerReferences,
	}, Spec: *like.Spec.DeepCopy()}
	pod.Spec.NodeName, pod.Spec.EphemeralContainers = "", nil
	// An istiod that hangs must hold up nobody else's repair.
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch err := r.Client.Create(within, pod, client.DryRunAll); {
	case err != nil && within.Err() != nil && ctx.Err() == nil:
		return fmt.Sprintf("istiod does not answer within %s", patience), nil
	case err != nil && (apierrors.IsInternalError(err) || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)):
		return "istiod does not answer: " + err.Error(), nil
	case err != nil:
		return "it would be refused: " + err.Error(), nil
	case lacks(pod) && pod.Spec.HostNetwork:
		return "it uses the network of its node (hostNetwork), where no sidecar can stand", nil
	case lacks(pod):
		return "istiod was asked, and left it as it was", nil
	}
	return "", nil
}

// act does what was decided. It returns false, and why, when it may not be done now.
func (r *Reconciler) act(ctx context.Context, d injection.Decision, pod *corev1.Pod) (done bool, why string, err error) {
	if d.Action == injection.Restart {
		return true, "", r.restart(ctx, pod)
	}
	// The cache may be behind, and a budget is used up by asking alone.
	var now corev1.Pod
	err = r.Reader.Get(ctx, client.ObjectKeyFromObject(pod), &now)
	if apierrors.IsNotFound(err) || err == nil && (now.UID != pod.UID || now.DeletionTimestamp != nil) {
		return false, "it is going already", nil
	}
	if err != nil {
		return false, "", fmt.Errorf("read pod %s: %w", pod.Name, err)
	}
	eviction := &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: new(pod.UID)}},
	}
	// The client waits by itself where the API server says when to come again, and others are waiting.
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = r.Client.SubResource("eviction").Create(within, pod, eviction)
	logf.FromContext(ctx).V(1).Info("evicted", "pod", pod.Name, "uid", pod.UID, "result", fmt.Sprint(err))
	switch {
	case apierrors.IsTooManyRequests(err) || err != nil && within.Err() != nil && ctx.Err() == nil:
		return false, "its PodDisruptionBudget allows none to go", nil
	case apierrors.IsNotFound(err) || apierrors.IsConflict(err):
		return false, "it is going already", nil
	case err != nil:
		return false, "", fmt.Errorf("evict pod %s: %w", pod.Name, err)
	}
	return true, "", nil
}

// restart lets the Deployment replace its pods, the new one first.
func (r *Reconciler) restart(ctx context.Context, pod *corev1.Pod) error {
	d := &appsv1.Deployment{}
	d.Namespace, d.Name = pod.Namespace, revision.Name(pod.Labels[api.LabelComponent], pod.Labels[api.LabelVersion])
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{api.AnnotationRestarted: r.Clock.Now().UTC().Format(time.RFC3339)},
	}}}})
	if err != nil {
		return err
	}
	err = r.Client.Patch(ctx, d, client.RawPatch(types.StrategicMergePatchType, patch), client.FieldOwner("weir-injection"))
	if err != nil {
		return fmt.Errorf("restart Deployment %s: %w", d.Name, err)
	}
	return nil
}
