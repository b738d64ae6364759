// SPDX-License-Identifier: Apache-2.0

package release

import api "weir.dev/weir/api/v1alpha1"

// Ask is a gate that is to be asked now.
type Ask struct {
	// Name of the gate in the strategy.
	Name string
	// Point of the release at which it is asked.
	Point api.GatePoint
	// Step before which it is asked; 0 at the points that come once.
	Step int32
}

// GateAnswer is what became of an Ask.
type GateAnswer struct {
	Ask
	// State is Waiting as long as there is no answer.
	State api.GateState
	// Message says why, in words for a person; By who opened it, when it was somebody.
	Message, By string
}

// Gates tells which webhooks and Jobs are to be asked now, in the order of the strategy; none on the way back. A gate that
// has opened or failed is not asked again at the same point and step. Approvals are not among them: Decide finds those
// in the spec. A release that has ended may still have gates to ask.
func Gates(spec api.ReleaseSpec, status api.ReleaseStatus) []Ask {
	var out []Ask
	for _, r := range status.Gates {
		if g := gateOf(spec, r.Name); r.State == api.GateWaiting && g != nil && g.Approval == nil {
			out = append(out, Ask{Name: r.Name, Point: r.At, Step: r.Step})
		}
	}
	return out
}

// gateOf is the gate of that name; nil when the strategy has none.
func gateOf(spec api.ReleaseSpec, name string) *api.Gate {
	for i := range spec.Strategy.Gates {
		if g := &spec.Strategy.Gates[i]; g.Name == name {
			return g
		}
	}
	return nil
}
