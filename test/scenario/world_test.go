// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/release"
)

// world is what the script has told so far.
type world struct {
	spec    api.ReleaseSpec
	seen    release.Seen
	stopped bool
	// served is what every caller was last told to have.
	served route
	// weight that the sample belongs to.
	weight int32
	// answers to gates, by their names.
	answers map[string]release.GateAnswer
}

type route struct {
	subsets []string
	weights map[string]int32
	// share of the new version, with matches and copies.
	share string
}

// component is the one whose release is told, and the name of its release in a unit.
const component = "reviews"

func newWorld(s Script) world {
	w := world{
		spec: api.ReleaseSpec{Application: "shop", Component: component, From: "v1", To: "v2", Strategy: s.Strategy},
		seen: release.Seen{
			Replicas: 2, Desired: "v2",
			From: release.Pods{Replicas: 2, Ready: 2, Available: true, Present: 2},
			To:   release.Pods{Replicas: 2, Present: 2},
		},
	}
	w.answers = map[string]release.GateAnswer{}
	if len(s.Unit) > 0 {
		w.seen.Name, w.spec.Unit = component, &api.Unit{Name: "all", Releases: s.Unit}
	}
	return w
}

// at is what is seen with the status: proof and sample are of what it wants.
func (w *world) at(status api.ReleaseStatus) release.Seen {
	seen := w.seen
	seen.Proof = mesh.Proof{Method: "script", Proxies: 3, Lagging: w.seen.Proof.Lagging}
	seen.Proof.Served = len(seen.Proof.Lagging) == 0 && reflect.DeepEqual(w.served, w.route(status))
	for _, v := range status.Wanted {
		if v.Version == w.spec.To && v.Weight != w.weight {
			w.weight, w.seen.Sample = v.Weight, mesh.Sample{}
			seen.Sample = mesh.Sample{}
		}
	}
	for _, a := range release.Gates(w.spec, status) {
		if answer, known := w.answers[a.Name]; known {
			answer.Ask = a
			seen.Gates = append(seen.Gates, answer)
		}
	}
	return seen
}

// route is what every caller is to have.
func (w *world) route(status api.ReleaseStatus) route {
	subsets, weights := release.Expected(w.spec, status)
	return route{subsets, weights, shareIn(status, w.spec.To)}
}

// hear takes what is seen or commanded into the world.
func (w *world) hear(seen []string, status api.ReleaseStatus) error {
	all := strings.Join(seen, " ")
	last := seen[len(seen)-1]
	if unit := w.spec.Unit; unit != nil && slices.Contains(unit.Releases, seen[0]) {
		return w.hearPeer(seen[0], seen[1:])
	}
	switch {
	case all == "begins", all == "time passes":
	case seen[0] == "pods":
		return w.hearPods(seen[1:])
	case seen[0] == "gate" && len(seen) > 2:
		return w.hearGate(seen[1], seen[2], seen[3:])
	case all == "old pods fail":
		w.seen.From.Ready, w.seen.From.Available, w.seen.From.Problem = 0, false, "crash loop"
	case all == "callers serve":
		w.served, w.seen.Proof.Lagging, w.seen.ProofError = w.route(status), nil, nil
	case strings.HasPrefix(all, "callers lag "):
		w.seen.Proof.Lagging, w.seen.ProofError = seen[2:], nil
	case strings.HasPrefix(all, "callers unknown "):
		w.seen.ProofError = errors.New(last)
	case strings.HasPrefix(all, "metrics down "):
		w.seen.SampleError = errors.New(last)
	case all == "metrics up":
		w.seen.SampleError = nil
	case seen[0] == "success" || seen[0] == "requests":
		return w.hearSample(seen)
	case all == "controller stops":
		w.stopped = true
	case all == "controller starts":
		w.stopped = false
	default:
		return w.hearUser(seen)
	}
	return nil
}

// hearPeer takes in where another release of the unit stands.
func (w *world) hearPeer(name string, seen []string) error {
	p := release.Peer{Name: name, Phase: api.ReleaseObserving}
	switch all := strings.Join(seen, " "); {
	case all == "ready":
		p.Phase, p.Passed = api.ReleaseConnecting, true
	case all == "drains":
		p.Phase, p.Last, p.Passed = api.ReleaseDraining, true, true
	case all == "returns":
		p.Phase, p.Reason = api.ReleaseReturning, release.ReasonUnhealthy
	case len(seen) == 2 && (seen[0] == "serves" || seen[0] == "passed"):
		n, err := number(seen[1])
		if err != nil {
			return err
		}
		p.Step, p.Passed = int32(n), seen[0] == "passed"
		p.Last = int(n) == len(release.Stages(w.spec.Strategy))
	default:
		return fmt.Errorf("%q is nothing that can be seen of a release", all)
	}
	w.seen.Peers = append(slices.DeleteFunc(w.seen.Peers, func(o release.Peer) bool { return o.Name == name }), p)
	return nil
}

// hearGate takes in what the Job or the server of a gate answers.
func (w *world) hearGate(name, verb string, why []string) error {
	states := map[string]api.GateState{"opens": api.GateOpen, "fails": api.GateFailed, "answers": api.GateWaiting}
	state, known := states[verb]
	if !known {
		return fmt.Errorf("%q is nothing that a gate does", verb)
	}
	w.answers[name] = release.GateAnswer{State: state, Message: strings.Join(why, " ")}
	return nil
}

func (w *world) hearPods(seen []string) error {
	switch all := strings.Join(seen, " "); {
	case all == "gone":
		w.seen.From.Present, w.seen.To.Present = w.seen.From.Replicas, w.seen.To.Replicas
	case all == "ready":
		w.seen.To.Ready, w.seen.To.Available, w.seen.To.Problem = w.seen.Replicas, true, ""
	case len(seen) == 2 && seen[0] == "fail":
		w.seen.To.Ready, w.seen.To.Available, w.seen.To.Problem = 0, false, seen[1]
	case len(seen) == 2 && seen[1] == "ready":
		n, err := number(seen[0])
		w.seen.To.Ready, w.seen.To.Available = int32(n), int32(n) >= w.seen.To.Replicas
		return err
	default:
		return fmt.Errorf("%q is nothing that can be seen of pods", all)
	}
	return nil
}

// hearSample reads what was seen of the new version and, after the word beside, of the old one.
func (w *world) hearSample(seen []string) error {
	own, beside := seen, []string(nil)
	if i := slices.Index(seen, "beside"); i >= 0 {
		own, beside = seen[:i], seen[i+1:]
	}
	sample, err := sampleOf(own)
	if err == nil && beside != nil {
		var other mesh.Sample
		other, err = sampleOf(beside)
		sample.Beside = &other
	}
	w.seen.Sample, w.seen.SampleError = sample, nil
	return err
}

// sampleOf has its latency at the quantile that is told; requests are spread evenly below it, and above it up to twice as much.
func sampleOf(seen []string) (mesh.Sample, error) {
	var sample mesh.Sample
	percent, share, took := 100.0, 0.0, time.Duration(0)
	for i := 0; i+1 < len(seen); i += 2 {
		var err error
		switch seen[i] {
		case "success":
			percent, err = number(seen[i+1])
		case "requests":
			sample.Requests, err = number(seen[i+1])
		case "age":
			sample.Age, err = time.ParseDuration(seen[i+1])
		default:
			if share, err = number(strings.TrimPrefix(seen[i], "p")); err == nil {
				took, err = time.ParseDuration(seen[i+1])
			}
		}
		if err != nil {
			return sample, err
		}
	}
	n := sample.Requests
	sample.Failed = n * (100 - percent) / 100
	if took > 0 {
		sample.Latency = spread(n, share/100, took)
	}
	return sample, nil
}

// spread has buckets fine enough for any bound.
func spread(n, share float64, took time.Duration) mesh.Histogram {
	const fine = 100
	buckets := []mesh.Bucket{{Upper: 2 * took, Count: n}, {Upper: mesh.Endless, Count: n}}
	for i := range fine {
		part := float64(i+1) / fine
		buckets = append(buckets, mesh.Bucket{Upper: time.Duration(float64(took) * part), Count: n * share * part})
	}
	return mesh.NewHistogram(buckets)
}

func (w *world) hearUser(seen []string) error {
	switch seen[0] {
	case "pause":
		w.spec.Paused = true
	case "resume":
		w.spec.Paused = false
	case "promote":
		w.spec.Promote = true
	case "abort":
		w.spec.Abort = true
	case "skip":
		n, err := number(seen[1])
		w.spec.Skip = int32(n)
		return err
	case "approve":
		a := api.Approval{Gate: seen[1], By: "eva"}
		if len(seen) > 2 {
			n, err := number(seen[2])
			if a.Step = int32(n); err != nil {
				return err
			}
		}
		w.spec.Approvals = append(w.spec.Approvals, a)
	case "retry":
		w.spec.Retry = true
	case "edit":
		s, err := parseStrategy(seen[1:])
		w.spec.Strategy = s
		return err
	case "wanted":
		w.seen.Desired = seen[1]
	case "replicas":
		n, err := number(seen[1])
		w.seen.Replicas = int32(n)
		return err
	default:
		return fmt.Errorf("%q is nothing that can be seen", strings.Join(seen, " "))
	}
	return nil
}

// obey gives each workload the pods it is told to have; pods that end are there until the script says they are gone.
func (w *world) obey(status api.ReleaseStatus) {
	told := map[string]int32{}
	for _, v := range status.Wanted {
		told[v.Version] = v.Replicas
	}
	if status.Phase == "" {
		return
	}
	w.seen.From.Replicas, w.seen.To.Replicas = told[w.spec.From], told[w.spec.To]
	for name, answer := range w.answers {
		waits := slices.ContainsFunc(status.Gates, func(r api.GateRecord) bool { return r.Name == name && r.State == api.GateWaiting })
		if answer.State != api.GateWaiting && !waits {
			delete(w.answers, name) // the next time it is asked anew
		}
	}
}
