// SPDX-License-Identifier: Apache-2.0

package application

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
)

// report writes the status when it differs from what is there. What the cache does not hold yet is not written twice: the event
// of that write brings another pass.
func (r *Reconciler) report(ctx context.Context, s snapshot, wants []want, failure error) error {
	before := s.app.Status
	status := describe(s, wants, failure)
	if equality.Semantic.DeepEqual(before, status) || r.written.Behind(s.app, time.Now()) {
		return nil
	}
	changed := s.app.DeepCopy()
	changed.Status = status
	if err := r.Client.Status().Patch(ctx, changed, client.MergeFromWithOptions(s.app, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	r.written.Remember(changed, time.Now())
	return nil
}

// describe is the status that follows from what was seen.
func describe(s snapshot, wants []want, failure error) api.ApplicationStatus {
	status := *s.app.Status.DeepCopy()
	status.ObservedGeneration = s.app.Generation
	if wants != nil || failure == nil {
		status.Components = components(s, wants)
		status.Release = releaseLine(s, wants)
		status.Address = address(s)
	}
	if failure == nil {
		status.Exposed = plan.AllClaims(s.app)
	}
	ready, waiting := count(status.Components)
	status.Ready = fmt.Sprintf("%d/%d", ready, len(s.app.Spec.Components))
	condition := metav1.Condition{Type: api.ConditionReady, Status: metav1.ConditionTrue, Reason: "AllReady",
		Message: "all components are ready"}
	if ready < len(s.app.Spec.Components) {
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, "Waiting", strings.Join(waiting, "; ")
	}
	applied := metav1.Condition{Type: api.ConditionApplied, Status: metav1.ConditionTrue, Reason: "Applied",
		Message: "everything generated is in place"}
	if failure != nil {
		applied.Status, applied.Reason, applied.Message = metav1.ConditionFalse, "Refused", failure.Error()
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, "Refused", failure.Error()
	}
	conditions := []metav1.Condition{condition, applied}
	if s.strategies != nil { // what was not read is not judged
		conditions = append(conditions, strategiesCondition(s))
	}
	s.taking.status(&status, s.app.Generation)
	if s.conflicts != nil {
		conditions = append(conditions, routesCondition(s))
	}
	for _, c := range conditions {
		c.ObservedGeneration = s.app.Generation
		apimeta.SetStatusCondition(&status.Conditions, c)
	}
	status.Version, status.Health = versions(s.app, status.Components), health(status)
	return status
}

// components are those of the spec. One that a pass has not come to keeps what was said of it: which version carries its
// requests is known from nowhere else before its first release.
func components(s snapshot, wants []want) []api.ComponentStatus {
	var out []api.ComponentStatus
	for _, c := range s.app.Spec.Components {
		if i := slices.IndexFunc(wants, func(w want) bool { return w.component.Name == c.Name }); i >= 0 {
			out = append(out, componentStatus(s, wants[i]))
			continue
		}
		for _, was := range s.app.Status.Components {
			if was.Name == c.Name {
				out = append(out, *was.DeepCopy())
			}
		}
	}
	return out
}

func componentStatus(s snapshot, w want) api.ComponentStatus {
	out := api.ComponentStatus{
		Name: w.component.Name, Current: w.current, Desired: w.desired, Calls: w.uses,
		Warnings: slices.Clone(s.warnings[w.component.Name]), Filled: plan.Filled(w.component, w.desired),
	}
	if w.newest != nil {
		out.Release = w.newest.Name
	}
	if w.component.RunsToEnd() {
		out.Message = jobMessage(w.component, s.jobs[w.component.Name][w.desired])
	} else {
		for _, v := range w.versions {
			if v.Replicas > 0 {
				out.Versions = append(out.Versions, versionStatus(s, w, v))
			}
		}
		slices.SortFunc(out.Versions, func(a, b api.VersionStatus) int { return cmp.Compare(a.Version, b.Version) })
		out.Message = podsMessage(s, w, out.Versions)
	}
	if w.missing != nil {
		out.Message = w.missing.Error()
	}
	if lacks := s.lacks(w, w.current); lacks != "" {
		out.Message = w.component.Name + ": " + lacks
	} else if lacks := s.lacks(w, w.desired); lacks != "" {
		out.Warnings = append(out.Warnings, w.desired+" waits: "+lacks)
	}
	if found := s.conflicts[w.component.Name]; len(found) > 0 && s.withheld[w.component.Name] {
		out.Message = fmt.Sprintf("%s: its pods are as they should be, and not routed yet: %s", w.component.Name, found[0])
	} else if len(found) > 0 {
		out.Warnings = append(out.Warnings, found[0].String())
	}
	if words := autoscalerWords(s, w); words != "" {
		out.Warnings = append(out.Warnings, words)
	}
	if out.Message == "" && s.unreached[w.component.Name] {
		out.Message = w.component.Name + ": its pods are ready, and callers are being told of them"
	}
	return out
}

// least is how many pods of the version have to be ready: an autoscaler may just be adding others.
func least(w want, v api.VersionStatus) int32 {
	for _, wanted := range w.versions {
		if wanted.Version == v.Version && !w.component.External {
			return wanted.Replicas
		}
	}
	return v.Replicas
}

// podsMessage says what keeps the component from being ready: contents that are lost, or too few pods of the current version.
func podsMessage(s snapshot, w want, versions []api.VersionStatus) string {
	for _, v := range versions {
		if err := lost(s, w.component.Name, v.Version); err != nil {
			return err.Error()
		}
	}
	for _, v := range versions {
		if v.Version != w.current || v.Ready >= least(w, v) {
			continue
		}
		text := fmt.Sprintf("%s %s: %d of %d pods are ready", w.component.Name, v.Version, v.Ready, v.Replicas)
		if v.Message != "" {
			text += ": " + v.Message
		}
		return text
	}
	return ""
}

// jobMessage says why the newest run of a job failed. A job that runs, waits or has ended well is as it should be.
func jobMessage(c api.Component, job batchv1.Job) string {
	for _, condition := range job.Status.Conditions {
		if condition.Type == batchv1.JobFailed && condition.Status == corev1.ConditionTrue {
			return fmt.Sprintf("%s: its newest run failed: %s; see kubectl -n %s logs job/%s", c.Name, condition.Message, job.Namespace, job.Name)
		}
	}
	return ""
}

func versionStatus(s snapshot, w want, v api.VersionWanted) api.VersionStatus {
	out := api.VersionStatus{Version: v.Version, Replicas: s.told(w, v)}
	meshed := s.revisions[w.component.Name][v.Version].Meshed()
	for i := range s.pods[w.component.Name][v.Version] {
		pod := &s.pods[w.component.Name][v.Version][i]
		if kube.PodReady(pod, meshed) {
			out.Ready++
		} else if problem := kube.PodProblem(pod, meshed); problem != "" && pod.DeletionTimestamp == nil {
			out.Message = max(out.Message, problem)
		}
	}
	return out
}

func count(components []api.ComponentStatus) (ready int, waiting []string) {
	for _, c := range components {
		if c.Message == "" {
			ready++
		} else {
			waiting = append(waiting, c.Message)
		}
	}
	return ready, waiting
}

// releaseLine tells in a few words which releases are under way, which version was sent back, and what waits.
func releaseLine(s snapshot, wants []want) string {
	var parts []string
	for _, w := range wants {
		before := ""
		for _, g := range groups(s.app, wants) {
			if g.has(w.component.Name) {
				before = g.waitsFor(w)
			}
		}
		switch found := s.conflicts[w.component.Name]; {
		case len(found) > 0 && w.needsRelease():
			parts = append(parts, fmt.Sprintf("%s %s waits, see %s", w.component.Name, w.desired, found[0].Object()))
		case w.needsRelease() && s.lacks(w, w.desired) != "":
			parts = append(parts, fmt.Sprintf("%s %s waits to be deployed", w.component.Name, w.desired))
		case before != "":
			parts = append(parts, fmt.Sprintf("%s %s waits for %s", w.component.Name, w.desired, before))
		case w.underWay():
			parts = append(parts, fmt.Sprintf("%s %s→%s", w.component.Name, w.newest.Spec.From, w.newest.Spec.To))
		case w.rejected() && w.desired != w.current:
			parts = append(parts, fmt.Sprintf("%s %s rolled back", w.component.Name, w.desired))
		}
	}
	return strings.Join(parts, ", ")
}

// address is where the exposed components answer.
func address(s snapshot) string {
	gateway := ""
	if len(s.gateway.Addresses) > 0 {
		gateway = s.gateway.Addresses[0]
	}
	var out []string
	for _, c := range s.app.Spec.Components {
		out = append(out, plan.Addresses(c, gateway)...)
	}
	return strings.Join(out, ",")
}
