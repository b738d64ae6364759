// SPDX-License-Identifier: Apache-2.0

package release

import (
	"slices"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

// defaultGateDeadline is how long a webhook or a Job may take; an approval may take for ever.
const defaultGateDeadline = 10 * time.Minute

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
	v := view{spec: spec, status: status}
	var out []Ask
	for _, a := range v.dueGates() {
		g, i := gateOf(spec, a.Name), recordOf(status.Gates, a)
		if g.Approval == nil && i >= 0 && status.Gates[i].State == api.GateWaiting {
			out = append(out, a)
		}
	}
	return out
}

// dueGates are those that have to be open before what comes next, whether they have been asked or not.
func (v view) dueGates() []Ask {
	switch {
	case v.status.Phase.Finished():
		return v.gatesAt(api.GateAfterRelease, 0)
	case v.goingBack():
		return nil
	case v.in(api.ReleaseWaiting):
		return v.gatesAt(api.GateBeforeStart, 0)
	case !v.steps():
		return nil
	}
	stage, number := v.nextStage()
	due := v.gatesAt(api.GateBeforeStep, number)
	if stage.Weight == whole {
		due = append(due, v.gatesAt(api.GateBeforePromotion, 0)...)
	}
	return due
}

func (v view) gatesAt(point api.GatePoint, step int32) []Ask {
	var out []Ask
	for _, g := range v.spec.Strategy.Gates {
		if g.At == point {
			out = append(out, Ask{Name: g.Name, Point: point, Step: step})
		}
	}
	return out
}

// asked are the records of gates with those that are due now, each as far as it is answered.
func (v view) asked() []api.GateRecord {
	all := slices.Clone(v.status.Gates)
	for _, a := range v.dueGates() {
		if recordOf(all, a) < 0 {
			r := api.GateRecord{Name: a.Name, At: a.Point, Step: a.Step, State: api.GateWaiting, AskedAt: *micro(v.now)}
			r.Message = gateQuestion(*gateOf(v.spec, a.Name))
			v.answer(&r)
			all = append(all, r)
		}
	}
	return all
}

func gateQuestion(g api.Gate) string {
	switch {
	case g.Approval != nil:
		return "waits for somebody to approve"
	case g.Job != nil:
		return "waits for its Job to complete"
	default:
		return "waits for its server to agree"
	}
}

// noteGates puts answers on record. Of a gate that was taken out of the strategy before it had one there is nothing to tell.
func (v *view) noteGates() {
	v.status.Gates = slices.DeleteFunc(v.status.Gates, func(r api.GateRecord) bool {
		return r.State == api.GateWaiting && gateOf(v.spec, r.Name) == nil
	})
	due := v.dueGates()
	for i := range v.status.Gates {
		if r := &v.status.Gates[i]; slices.Contains(due, askOf(*r)) && r.State != api.GateOpen {
			v.answer(r)
		}
	}
}

// answer takes the answer to a gate, if there is one. An approval is heard even after its deadline, as long as the
// release is still held there.
func (v view) answer(r *api.GateRecord) {
	g := *gateOf(v.spec, r.Name)
	if g.Approval != nil {
		v.approve(r)
	}
	if r.State != api.GateWaiting {
		return
	}
	for _, a := range v.seen.Gates {
		if a.Ask == askOf(*r) && g.Approval == nil {
			v.decide(r, a)
		}
	}
	if d := GateDeadline(g); r.State == api.GateWaiting && d > 0 && v.now.Sub(r.AskedAt.Time) >= d {
		v.decide(r, GateAnswer{State: api.GateFailed, Message: "no answer within " + short(d)})
	}
}

// approve looks for somebody's word. A promotion is one for every approval.
func (v view) approve(r *api.GateRecord) {
	if promoting(v.spec) {
		v.decide(r, GateAnswer{State: api.GateOpen, Message: "opened by the promotion"})
	}
	for _, a := range v.spec.Approvals {
		if a.Gate == r.Name && a.Step == r.Step {
			v.decide(r, GateAnswer{State: api.GateOpen, Message: "approved by " + a.By, By: a.By})
		}
	}
}

func (v view) decide(r *api.GateRecord, a GateAnswer) {
	r.State, r.By = a.State, a.By
	if a.Message != "" {
		r.Message = oneLine(a.Message)
	}
	if a.State != api.GateWaiting {
		r.DecidedAt = micro(v.now)
	}
}

// shut is the record of a gate that is due and has failed. A promotion passes it over, as it does a failed proof.
func (v view) shut() *api.GateRecord {
	if promoting(v.spec) {
		return nil
	}
	for _, a := range v.dueGates() {
		if i := recordOf(v.status.Gates, a); i >= 0 && v.status.Gates[i].State == api.GateFailed {
			return &v.status.Gates[i]
		}
	}
	return nil
}

// closed is the first gate among those due that still keeps the release; nil when it may go on.
func (v view) closed(all []api.GateRecord) *api.GateRecord {
	for _, a := range v.dueGates() {
		if i := recordOf(all, a); i >= 0 && all[i].State == api.GateWaiting {
			return &all[i]
		}
	}
	return nil
}

func askOf(r api.GateRecord) Ask { return Ask{Name: r.Name, Point: r.At, Step: r.Step} }

func recordOf(all []api.GateRecord, a Ask) int {
	return slices.IndexFunc(all, func(r api.GateRecord) bool { return askOf(r) == a })
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

// GateDeadline is how long a gate may stay closed; 0 is for ever.
func GateDeadline(g api.Gate) time.Duration {
	if g.Approval != nil {
		return orElse(g.Deadline, 0)
	}
	return orElse(g.Deadline, defaultGateDeadline)
}
