// SPDX-License-Identifier: Apache-2.0

package release

import api "weir.dev/weir/api/v1alpha1"

// Peer is where another release of the unit stands.
type Peer struct {
	Name  string
	Phase api.ReleasePhase
	// Step it is in; 0 before the first.
	Step int32
	// Passed is true when that step needs no more time and no more proof. Before the first step: when its pods are ready and
	// every caller can reach them.
	Passed bool
	// Last is true when the new version has everything in that step.
	Last bool
	// Reason of its way back; empty when it is not on it.
	Reason string
	// Withdraws is why it asks the unit to go back.
	Withdraws string
}

// PeerOf tells the other releases of a unit where this one stands.
func PeerOf(name string, spec api.ReleaseSpec, status api.ReleaseStatus) Peer {
	v := view{spec: spec, status: status}
	p := Peer{
		Name: name, Phase: status.Phase, Step: status.Step, Last: v.stage().everything(),
		Reason: status.Reason, Withdraws: status.Withdraws,
	}
	if r := current(&status); r != nil {
		p.Passed = r.PassedAt != nil
	} else if status.Verified != nil && status.Phase == api.ReleaseConnecting {
		p.Passed = len(status.Verified.Lagging) == 0 && !status.Verified.At.Time.Before(since(status, status.Verified.At.Time))
	}
	return p
}
