// SPDX-License-Identifier: Apache-2.0

package workload

import (
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/revision"
)

// Job runs one version of the component to its end, once. It fails when the component's template cannot be merged.
func Job(a *api.Application, c api.Component, version string) (*batchv1.Job, error) {
	pods, err := template(a, c, version)
	if err != nil {
		return nil, err
	}
	j := &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: owner.Meta(a, c.Name, revision.Name(c.Name, version)),
		Spec:       batchv1.JobSpec{Template: pods},
	}
	j.Labels = owner.Labels(a, c.Name, version)
	return j, nil
}

// CronJob runs the component by its schedule, one run at a time. It fails when the component's template cannot be merged.
func CronJob(a *api.Application, c api.Component, version, schedule string) (*batchv1.CronJob, error) {
	job, err := Job(a, c, version)
	if err != nil {
		return nil, err
	}
	j := &batchv1.CronJob{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "CronJob"},
		ObjectMeta: owner.Meta(a, c.Name, c.Name),
		Spec: batchv1.CronJobSpec{
			Schedule: schedule, ConcurrencyPolicy: batchv1.ForbidConcurrent,
			JobTemplate: batchv1.JobTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: job.Labels}, Spec: job.Spec},
		},
	}
	j.Labels = job.Labels
	return j, nil
}
