// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// jobs does what a Job's controller and a kubelet would do for the Jobs of gates. By its image a Job fails, never ends, or
// completes at once.
type jobs struct{ client client.Client }

// The images of Jobs that do not complete.
const (
	ImageFails = "fails:1"
	ImageHangs = "hangs:1"
)

// Reconcile brings one Job to its end.
func (j jobs) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var job batchv1.Job
	if err := j.client.Get(ctx, req.NamespacedName, &job); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	image := job.Spec.Template.Spec.Containers[0].Image
	owner := metav1.GetControllerOf(&job)
	if owner == nil || owner.Kind != "Release" || job.Status.StartTime != nil || image == ImageHangs {
		return ctrl.Result{}, nil
	}
	now := metav1.Now()
	job.Status.StartTime = &now
	if strings.HasPrefix(image, "fails") {
		job.Status.Failed = 1
		job.Status.Conditions = conditions(now, batchv1.JobFailureTarget, batchv1.JobFailed, "exit code 1")
	} else {
		job.Status.Succeeded, job.Status.CompletionTime = 1, &now
		job.Status.Conditions = conditions(now, batchv1.JobSuccessCriteriaMet, batchv1.JobComplete, "")
	}
	return ctrl.Result{}, client.IgnoreNotFound(j.client.Status().Update(ctx, &job))
}

func conditions(now metav1.Time, first, last batchv1.JobConditionType, message string) []batchv1.JobCondition {
	return []batchv1.JobCondition{
		{Type: first, Status: corev1.ConditionTrue, LastTransitionTime: now},
		{Type: last, Status: corev1.ConditionTrue, LastTransitionTime: now, Message: message},
	}
}
