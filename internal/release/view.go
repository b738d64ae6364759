// SPDX-License-Identifier: Apache-2.0

package release

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// view is what the rules look at: the input, with what was just seen already on record.
type view struct {
	now  time.Time
	spec api.ReleaseSpec
	seen Seen
	// status is a copy of the one handed in.
	status api.ReleaseStatus
	// served is true when every caller serves what the status wants.
	served bool
	// fresh is the verdict given just now; nil when it was not the time for one.
	fresh *api.Verdict
}

func look(now time.Time, spec api.ReleaseSpec, status api.ReleaseStatus, seen Seen) view {
	// Statuses hold microseconds; with finer times the same status would differ before and after it was stored.
	now = now.UTC().Truncate(time.Microsecond)
	v := view{now: now, spec: spec, seen: seen, status: *status.DeepCopy()}
	v.seen.Replicas = replicas(seen.Replicas, v.status)
	v.noteProof()
	v.noteSample()
	v.noteGates()
	return v
}

// replicas never become 0 while a release runs: a version that gets requests has pods.
func replicas(asked int32, s api.ReleaseStatus) int32 {
	if asked > 0 {
		return asked
	}
	known := int32(1)
	for _, w := range s.Wanted {
		known = max(known, w.Replicas)
	}
	return known
}

func (v view) in(phases ...api.ReleasePhase) bool {
	return slices.Contains(phases, v.status.Phase)
}

// movesForward is true in the phases in which the new version gains.
func (v view) movesForward() bool {
	return v.in(api.ReleaseWaiting, api.ReleasePreparing, api.ReleaseConnecting, api.ReleaseShifting, api.ReleaseObserving)
}

// steps is true where the next step is taken. A promotion does not wait for callers to serve a step that it skips, unless
// that is a preview: until it is served, nobody knows whether callers can still reach the new version.
func (v view) steps() bool {
	at := v.in(api.ReleaseObserving) || v.in(api.ReleaseShifting) && promoting(v.spec) && v.stage().receives()
	return v.in(api.ReleaseConnecting) || at && !v.stage().everything()
}

// connected is true when every caller was seen to know the new version in this phase.
func (v view) connected() bool {
	seen := v.status.Verified
	return v.in(api.ReleaseConnecting) && seen != nil && len(seen.Lagging) == 0 && !seen.At.Time.Before(since(v.status, seen.At.Time))
}

// hasPassed is true when the step needs no more time and no more proof.
func (v view) hasPassed() bool {
	if r := current(&v.status); r != nil {
		return r.PassedAt != nil
	}
	return v.connected()
}

// weight is the new version's wanted share, in percent.
func (v view) weight() int32 { return wantedOf(v.status, v.spec.To).Weight }

// goingBack is true once the release is on the way back; nothing brings it forward again.
func (v view) goingBack() bool { return v.status.Reason != "" }

// lasted is how long the phase lasts.
func (v view) lasted() time.Duration { return v.now.Sub(since(v.status, v.now)) }

// watched is how long the weight has been served by every caller.
func (v view) watched() time.Duration { return v.now.Sub(servedSince(v.status, v.now)) }

// podsReady is true when the new version can carry what it has, and what it gets next.
func (v view) podsReady() bool {
	return v.seen.To.Available && v.seen.To.Ready >= v.receiver(v.stage())
}

// gone is true when the workload was told to have no pods, and has none.
func gone(p Pods) bool { return p.Replicas == 0 && p.Present == 0 }

func since(s api.ReleaseStatus, otherwise time.Time) time.Time {
	if s.Since == nil {
		return otherwise
	}
	return s.Since.Time
}

func servedSince(s api.ReleaseStatus, otherwise time.Time) time.Time {
	if r := current(&s); r != nil && r.VerifiedAt != nil {
		return r.VerifiedAt.Time
	}
	return since(s, otherwise)
}

// current is the record of the step the release is in; nil before the first.
func current(s *api.ReleaseStatus) *api.StepRecord {
	if len(s.Steps) == 0 {
		return nil
	}
	return &s.Steps[len(s.Steps)-1]
}

// wantedOf is what the version should have now.
func wantedOf(s api.ReleaseStatus, version string) api.VersionWanted {
	for _, w := range s.Wanted {
		if w.Version == version {
			return w
		}
	}
	return api.VersionWanted{Version: version}
}

func micro(t time.Time) *metav1.MicroTime { return &metav1.MicroTime{Time: t} }
