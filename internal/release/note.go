// SPDX-License-Identifier: Apache-2.0

package release

import (
	"reflect"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/analysis"
)

// maxLagging is how many proxies that lag are named.
const maxLagging = 10

// noteProof puts on record how far callers have come with what the status wants.
func (v *view) noteProof() {
	if !NeedsProof(v.status) {
		return
	}
	if v.seen.ProofError != nil {
		v.condition(api.ConditionVerified, metav1.ConditionUnknown, "NoProof", v.proofWords())
		return
	}
	if v.served = v.seen.Proof.Served; v.young() {
		return
	}
	v.noteVerified()
	if !v.served {
		v.condition(api.ConditionVerified, metav1.ConditionFalse, "Lagging", v.proofWords())
		return
	}
	v.condition(api.ConditionVerified, metav1.ConditionTrue, "Served", "every caller serves "+share(v.spec, v.stage()))
	if r := current(&v.status); r != nil && v.in(api.ReleaseShifting) && r.VerifiedAt == nil {
		r.VerifiedAt = micro(v.now)
	}
}

// noteVerified keeps the time of what was seen before, so that seeing it again changes nothing.
func (v *view) noteVerified() {
	was := v.status.Verified
	seen := api.Verified{At: *micro(v.now), Method: v.seen.Proof.Method, Proxies: int32(v.seen.Proof.Proxies)}
	to := wantedOf(v.status, v.spec.To)
	matched, mirrored := len(to.Match) > 0, to.Mirror != nil
	if was == nil && !v.served && len(v.seen.Proof.Lagging) == 0 {
		return // nothing was verified yet, and nobody is known to lag
	}
	if was != nil {
		seen.Weight, seen.Matched, seen.Mirrored, seen.At = was.Weight, was.Matched, was.Mirrored, was.At
	}
	switch {
	case !v.served:
		lagging := v.seen.Proof.Lagging
		seen.Lagging = append([]string(nil), lagging[:min(len(lagging), maxLagging)]...)
	case was == nil || was.Weight != to.Weight || was.Matched != matched || was.Mirrored != mirrored ||
		len(was.Lagging) > 0 || was.At.Time.Before(since(v.status, v.now)):
		seen.Weight, seen.Matched, seen.Mirrored, seen.At = to.Weight, matched, mirrored, *micro(v.now)
	}
	v.status.Verified = &seen
}

// noteSample judges what callers saw, when it is the time to.
func (v *view) noteSample() {
	if !NeedsSample(v.spec, v.status, v.now) {
		return
	}
	since, until := Window(v.spec, v.status, v.now)
	fresh := analysis.Judge(v.now, *v.spec.Strategy.Analysis, analysis.Case{
		Sample: v.seen.Sample, Err: v.seen.SampleError, Window: until.Sub(since), Early: v.early(),
		Steps: Judged(v.spec.Strategy), Beside: Beside(v.spec, v.status),
	})
	v.fresh = &fresh
	if !sameVerdict(v.status.Verdict, fresh) {
		v.status.Verdict = fresh.DeepCopy()
	}
	v.noteHealth(fresh)
}

// noteHealth leaves the condition as it is while a step merely gathers its first requests. That metrics cannot be read is
// told at once: what was known before may no longer be so.
func (v *view) noteHealth(verdict api.Verdict) {
	switch verdict.Result {
	case api.VerdictPass:
		v.condition(api.ConditionHealthy, metav1.ConditionTrue, "Pass", "what callers see is within its bounds")
	case api.VerdictFail:
		v.condition(api.ConditionHealthy, metav1.ConditionFalse, "Fail", verdict.Message)
	case api.VerdictError:
		v.condition(api.ConditionHealthy, metav1.ConditionUnknown, ReasonMetricsError, verdict.Message)
	default:
		if !v.early() {
			v.condition(api.ConditionHealthy, metav1.ConditionUnknown, string(verdict.Result), verdict.Message)
		}
	}
}

// sameVerdict ignores when it was given and how long the window was: a verdict that says nothing new is no news.
func sameVerdict(was *api.Verdict, is api.Verdict) bool {
	if was == nil || was.Result != is.Result || was.Message != is.Message || was.Requests != is.Requests ||
		len(was.Evidence) != len(is.Evidence) {
		return false
	}
	for i, e := range is.Evidence {
		e.Window, e.Query = was.Evidence[i].Window, was.Evidence[i].Query
		if !reflect.DeepEqual(e, was.Evidence[i]) {
			return false
		}
	}
	return true
}

// condition sets a condition; its time moves only with its status.
func (v *view) condition(kind string, status metav1.ConditionStatus, reason, message string) {
	next := metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: seconds(v.now)}
	for i, c := range v.status.Conditions {
		if c.Type != kind {
			continue
		}
		if c.Status == status {
			next.LastTransitionTime = c.LastTransitionTime
		}
		next.ObservedGeneration = c.ObservedGeneration
		v.status.Conditions[i] = next
		return
	}
	v.status.Conditions = append(v.status.Conditions, next)
}

// seconds is the precision of a condition's time.
func seconds(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }
