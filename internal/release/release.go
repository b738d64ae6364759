// SPDX-License-Identifier: Apache-2.0

// Package release decides how a release goes on. It is pure: it gets the time, the plan, where the release stands and
// what was seen, and answers with where it stands next. It reads nothing, writes nothing and remembers nothing.
//
// A release persists each answer before anything acts on it. So it may be stopped at any instant and goes on from its
// status alone. rules.go holds the rules, in the order they are asked.
package release

import (
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// Seen is everything the engine may know besides the plan and the status.
type Seen struct {
	// Name of this release; needed when it is one of a unit.
	Name string
	// Replicas is the number of pods the component should have now; with an autoscaler, as many as that asks for. It may
	// change at any time. A component scaled to 0 is released with one pod.
	Replicas int32
	// Desired is the version the Application asks for now; empty when that is not known.
	Desired string
	// From and To are the pods of the old and of the new version.
	From, To Pods
	// Proof tells how far callers have come with the route that Expected describes for the status handed in.
	Proof mesh.Proof
	// ProofError is why there is no proof.
	ProofError error
	// Sample is what callers saw of the new version in the Window of the status handed in.
	Sample mesh.Sample
	// SampleError is why there is no sample.
	SampleError error
	// Gates are the answers to those that Gates returned for the status handed in. One that was not asked is ignored.
	Gates []GateAnswer
	// Refused is what is wrong with the strategy since it was edited, in words; empty when nothing is.
	Refused string
	// Contested is who else has a say about where the component's requests go, in words; empty when nobody has.
	Contested string
	// Peers are the other releases of the unit, as far as they exist. They may be read late.
	Peers []Peer
}

// Pods are those of one version.
type Pods struct {
	// Replicas is the number of pods the workload is told to have; 0 when there is no workload.
	Replicas int32
	// Made is when the workload was made, to the second; zero when there is none.
	Made time.Time
	// Ready pods, with their sidecars.
	Ready int32
	// Available is true when every pod is of the workload's newest template and ready, with its sidecar.
	Available bool
	// Present counts the pods that exist, those that are ending included.
	Present int32
	// Problem says why pods are not ready, such as "image cannot be pulled: …"; empty when nothing is wrong.
	Problem string
}

// Decision is where the release stands next.
type Decision struct {
	// Status to persist. It shares no memory with the one handed in.
	Status api.ReleaseStatus
	// Wake is when to ask again if nothing happens before; 0 is never.
	Wake time.Duration
	// Rule that decided, by its name in the rule book.
	Rule string
}

// Decide says where the release stands next. It changes the phase at most once, so that each proof is of the status
// it is judged with. An empty status begins the release.
func Decide(now time.Time, spec api.ReleaseSpec, status api.ReleaseStatus, seen Seen) Decision {
	v := look(now, spec, status, seen)
	for _, r := range rules {
		if m, hit := r.ask(v); hit {
			return Decision{Status: v.enter(m), Wake: m.wake, Rule: r.name}
		}
	}
	return Decision{Status: v.status, Wake: restPace, Rule: "none"}
}
