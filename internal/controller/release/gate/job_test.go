// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	engine "weir.dev/weir/internal/release"
)

func TestStandingOfAJob(t *testing.T) {
	of := func(kind batchv1.JobConditionType, status corev1.ConditionStatus, why string) []batchv1.JobCondition {
		return []batchv1.JobCondition{{Type: kind, Status: status, Message: why}}
	}
	for name, tt := range map[string]struct {
		conditions []batchv1.JobCondition
		want       engine.GateAnswer
	}{
		"just made":            {nil, engine.GateAnswer{State: api.GateWaiting}},
		"complete":             {of(batchv1.JobComplete, corev1.ConditionTrue, ""), engine.GateAnswer{State: api.GateOpen, Message: "Job smoke-1 is complete"}},
		"not failed after all": {of(batchv1.JobFailed, corev1.ConditionFalse, ""), engine.GateAnswer{State: api.GateWaiting}},
		"failed, and its log tells why": {of(batchv1.JobFailed, corev1.ConditionTrue, "exit code 1"), engine.GateAnswer{
			State: api.GateFailed, Message: "Job smoke-1 failed: exit code 1; see kubectl -n shop logs job/smoke-1",
		}},
		"failed without a word": {of(batchv1.JobFailed, corev1.ConditionTrue, ""), engine.GateAnswer{
			State: api.GateFailed, Message: "Job smoke-1 failed; see kubectl -n shop logs job/smoke-1",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			job := batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "smoke-1"}, Status: batchv1.JobStatus{Conditions: tt.conditions}}
			if diff := cmp.Diff(tt.want, standing(job)); diff != "" {
				t.Errorf("standing (-want +got):\n%s", diff)
			}
		})
	}
}
