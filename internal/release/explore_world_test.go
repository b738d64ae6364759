// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"slices"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
)

// world is one thing that may be seen, with the commands given.
type world struct {
	name   string
	change func(*api.ReleaseSpec, *Seen)
}

// oddity is something out of the ordinary. Of those about one thing, one happens at a time.
type oddity struct {
	about, name string
	change      func(*api.ReleaseSpec, *Seen)
}

// kindly is what is seen when all goes well.
func kindly(api.ReleaseStatus) Seen {
	return Seen{
		Replicas: 2, Desired: "v2",
		From:   Pods{Replicas: 2, Ready: 2, Available: true, Present: 2},
		To:     Pods{Replicas: 2, Ready: 2, Available: true, Present: 2},
		Proof:  mesh.Proof{Served: true, Method: "test", Proxies: 2},
		Sample: mesh.Sample{Requests: 100},
	}
}

// told are the pods of a version that has those it is told to have.
func told(s api.ReleaseStatus, version string, p Pods) Pods {
	if wantedOf(s, version).Replicas == 0 {
		return Pods{}
	}
	return p
}

// worlds are all that can be seen in a status with so many things out of the ordinary, as far as they can make a difference.
func worlds(spec api.ReleaseSpec, s api.ReleaseStatus, odds int) []world {
	all := oddities(spec, s)
	if odds == 1 && spec.Strategy.Capacity != api.CapacityFollow {
		all = slices.DeleteFunc(all, func(o oddity) bool {
			return o.about == "scale" || o.about == "edit" && o.name != "strategy refused"
		})
	}
	out := []world{{name: "kind", change: func(*api.ReleaseSpec, *Seen) {}}}
	var add func(from int, so world, about map[string]bool, left int)
	add = func(from int, so world, about map[string]bool, left int) {
		for i := from; i < len(all) && left > 0; i++ {
			o := all[i]
			if about[o.about] {
				continue
			}
			next := world{so.name + ", " + o.name, func(spec *api.ReleaseSpec, seen *Seen) {
				so.change(spec, seen)
				o.change(spec, seen)
			}}
			out = append(out, next)
			about[o.about] = true
			add(i+1, next, about, left-1)
			delete(about, o.about)
		}
	}
	add(0, out[0], map[string]bool{}, odds)
	return out
}

func oddities(spec api.ReleaseSpec, s api.ReleaseStatus) []oddity {
	var all []oddity
	see := func(about, name string, change func(*Seen)) {
		all = append(all, oddity{about, name, func(_ *api.ReleaseSpec, seen *Seen) { change(seen) }})
	}
	command := func(about, name string, change func(*api.ReleaseSpec)) {
		all = append(all, oddity{about, name, func(spec *api.ReleaseSpec, _ *Seen) { change(spec) }})
	}
	see("scale", "4 pods", func(w *Seen) { w.scale(4) })
	see("scale", "4 pods asked for", func(w *Seen) { w.Replicas = 4 })
	see("scale", "1 pod asked for", func(w *Seen) { w.Replicas = 1 })
	see("pods", "1 ready", func(w *Seen) { w.To.Ready, w.To.Available = 1, false })
	see("pods", "none ready", func(w *Seen) { w.To.Ready, w.To.Available, w.To.Problem = 0, false, "crash loop" })
	if s.Phase == api.ReleaseRetiring {
		see("pods", "gone", func(w *Seen) { w.From, w.To = Pods{}, Pods{} })
	}
	if NeedsProof(s) {
		see("proof", "lag", func(w *Seen) { w.Proof.Served, w.Proof.Lagging = false, []string{"shop/page"} })
		see("proof", "not told yet", func(w *Seen) { w.Proof.Served, w.Proof.Waits = false, "callers are watched" })
		see("proof", "no proof", func(w *Seen) { w.Proof, w.ProofError = mesh.Proof{}, errors.New("istiod does not answer") })
	}
	if NeedsSample(spec, s, t0) {
		see("sample", "bad", func(w *Seen) { w.Sample.Failed = 50 })
		see("sample", "few", func(w *Seen) { w.Sample.Requests = 3 })
		see("sample", "no sample", func(w *Seen) { w.Sample, w.SampleError = mesh.Sample{}, errors.New("connection refused") })
	}
	see("edit", "strategy refused", func(w *Seen) { w.Refused = "spec.strategy.windows[0].zone: there is no such time zone" })
	see("others", "somebody else routes it", func(w *Seen) { w.Contested = "VirtualService team/x routes it, too" })
	see("wish", "v1 wanted", func(w *Seen) { w.Desired = "v1" })
	see("wish", "v3 wanted", func(w *Seen) { w.Desired = "v3" })
	command("pause", "paused", func(s *api.ReleaseSpec) { s.Paused = true })
	command("promote", "promote", func(s *api.ReleaseSpec) { s.Promote = true })
	command("abort", "abort", func(s *api.ReleaseSpec) { s.Abort = true })
	if s.Step > 0 {
		command("promote", "skip", func(spec *api.ReleaseSpec) { spec.Skip = s.Step })
	}
	if len(spec.Strategy.Windows) > 0 {
		command("hours", "out of hours", func(s *api.ReleaseSpec) { s.Strategy.Windows = []api.Window{{From: "13:00", To: "14:00"}} })
	}
	if n := len(spec.Strategy.Steps); n > 1 {
		command("edit", "fewer steps", func(s *api.ReleaseSpec) { s.Strategy.Steps = s.Strategy.Steps[:n-1] })
		command("edit", "a step more", func(s *api.ReleaseSpec) { s.Strategy.Steps = append(s.Strategy.Steps, api.Step{Weight: 70}) })
	}
	if len(spec.Strategy.Gates) > 0 {
		command("word", "nobody approves", func(s *api.ReleaseSpec) { s.Approvals = nil })
		see("gate", "gates are silent", func(w *Seen) { w.Gates = nil })
		see("gate", "gates fail", func(w *Seen) {
			for i := range w.Gates {
				w.Gates[i].State = api.GateFailed
			}
		})
	}
	return all
}

// scale is an autoscaler that has had its way.
func (w *Seen) scale(n int32) {
	w.Replicas = n
	for _, p := range []*Pods{&w.From, &w.To} {
		p.Replicas, p.Ready, p.Present = n, n, n
	}
}

// answers to the gates that are asked now.
func answers(spec api.ReleaseSpec, s api.ReleaseStatus, state api.GateState) []GateAnswer {
	var out []GateAnswer
	for _, a := range Gates(spec, s) {
		out = append(out, GateAnswer{Ask: a, State: state, Message: "so"})
	}
	return out
}

// approve gives somebody's word for every gate that waits for one.
func approve(spec *api.ReleaseSpec) {
	for _, g := range spec.Strategy.Gates {
		for step := range int32(8) {
			if g.Approval != nil {
				spec.Approvals = append(spec.Approvals, api.Approval{Gate: g.Name, Step: step, By: "eva"})
			}
		}
	}
}
