// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	engine "weir.dev/weir/internal/release"
)

const (
	// jobPace is how soon to try again to make a Job that was refused, or to suspend one.
	jobPace = 5 * time.Second
	// nameLimit is the length of a DNS label (RFC 1123).
	nameLimit = 63
	// labelGate names the gate that a Job is of.
	labelGate = "weir.dev/gate"
)

// job returns how the gate's Job stands, and makes it when it is not there.
func (a *Asker) job(ctx context.Context, release *api.Release, g api.Gate, ask engine.Ask) (engine.GateAnswer, time.Duration) {
	wanted := jobOf(release, g, ask)
	var live batchv1.Job
	err := a.client.Get(ctx, client.ObjectKeyFromObject(wanted), &live)
	if apierrors.IsNotFound(err) {
		// The cache may not show yet what was made already; under its name there is one at the most.
		if err = a.client.Create(ctx, wanted); apierrors.IsAlreadyExists(err) {
			return engine.GateAnswer{State: api.GateWaiting}, jobPace
		}
		live = *wanted
	}
	if err == nil && !metav1.IsControlledBy(&live, release) {
		err = errors.New("there is another Job " + live.Name + ", of a release that was deleted or of somebody else")
	}
	if err != nil {
		return engine.GateAnswer{State: api.GateWaiting, Message: "its Job cannot be made: " + err.Error()}, jobPace
	}
	return standing(live), 0
}

// standing is what the Job's end says; a Job just made, or not seen yet, has said nothing.
func standing(job batchv1.Job) engine.GateAnswer {
	for _, c := range job.Status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == batchv1.JobComplete:
			return engine.GateAnswer{State: api.GateOpen, Message: "Job " + job.Name + " is complete"}
		case c.Type == batchv1.JobFailed:
			return engine.GateAnswer{State: api.GateFailed, Message: failed(job, c.Message)}
		}
	}
	return engine.GateAnswer{State: api.GateWaiting}
}

func failed(job batchv1.Job, why string) string {
	return joined("Job "+job.Name+" failed", why) + "; see kubectl -n " + job.Namespace + " logs job/" + job.Name
}

// jobOf is the Job of a gate at one point and step of a release. It stays as long as the release does, with its log.
func jobOf(r *api.Release, g api.Gate, ask engine.Ask) *batchv1.Job {
	labels := map[string]string{api.LabelRelease: r.Name, labelGate: g.Name, "app.kubernetes.io/managed-by": "weir"}
	job := &batchv1.Job{Spec: batchv1.JobSpec{
		BackoffLimit: ptr.To(g.Job.Retries),
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none"}},
			Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: ptr.To(false),
				Containers: []corev1.Container{{
					Name: "gate", Image: g.Job.Image, Command: g.Job.Command, Args: g.Job.Args,
					Env: append(environment(r, ask), g.Job.Env...),
				}},
			},
		},
	}}
	// Its pods are none of the component's: they have neither of the labels by which those are counted and reached.
	maps.Copy(job.Spec.Template.Labels, labels)
	labels[api.LabelApplication], labels[api.LabelComponent] = r.Spec.Application, r.Spec.Component
	job.Namespace, job.Name, job.Labels = r.Namespace, jobName(r, ask), labels
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(r, api.GroupVersion.WithKind("Release"))}
	if d := engine.GateDeadline(g); d > 0 {
		job.Spec.ActiveDeadlineSeconds = ptr.To(int64((d + time.Second - 1) / time.Second))
	}
	return job
}

func environment(r *api.Release, ask engine.Ask) []corev1.EnvVar {
	return []corev1.EnvVar{
		{Name: "WEIR_RELEASE", Value: r.Name}, {Name: "WEIR_FROM", Value: r.Spec.From}, {Name: "WEIR_TO", Value: r.Spec.To},
		{Name: "WEIR_STEP", Value: strconv.Itoa(int(ask.Step))},
	}
}

// jobName reads as release, gate and step. The hash at its end keeps it from all others.
func jobName(r *api.Release, ask engine.Ask) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s/%d", r.Name, ask.Point, ask.Name, ask.Step))
	name, tail := r.Name+"-"+ask.Name, fmt.Sprintf("-%x", sum[:4])
	if ask.Step > 0 {
		tail = fmt.Sprintf("-%d%s", ask.Step, tail)
	}
	return strings.TrimRight(name[:min(len(name), nameLimit-len(tail))], "-.") + tail
}

// suspend stops the Jobs that still run although nobody waits for them, such as those of a release that goes back.
func (a *Asker) suspend(ctx context.Context, release *api.Release, asks []engine.Ask) error {
	var faults []error
	for _, record := range release.Status.Gates {
		ask := engine.Ask{Name: record.Name, Point: record.At, Step: record.Step}
		g := find(release, record.Name)
		if record.State == api.GateOpen || g.Job == nil || slices.Contains(asks, ask) {
			continue
		}
		faults = append(faults, a.suspendOne(ctx, release, ask))
	}
	return errors.Join(faults...)
}

func (a *Asker) suspendOne(ctx context.Context, release *api.Release, ask engine.Ask) error {
	var job batchv1.Job
	err := a.client.Get(ctx, client.ObjectKey{Namespace: release.Namespace, Name: jobName(release, ask)}, &job)
	if err != nil || !metav1.IsControlledBy(&job, release) || standing(job).State != api.GateWaiting || ptr.Deref(job.Spec.Suspend, false) {
		return client.IgnoreNotFound(err)
	}
	stopped := job.DeepCopy()
	stopped.Spec.Suspend = ptr.To(true)
	return client.IgnoreNotFound(a.client.Patch(ctx, stopped, client.MergeFrom(&job)))
}
