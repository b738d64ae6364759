// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/release"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const (
	// patience is how long a release is watched. What has not ended by then is held until somebody decides.
	patience = time.Hour
	// silent is how often the store gives no answer.
	silent = 0.02
	// matched is the share of the requests that an A/B test is made with.
	matched = 0.2
)

// end is how a release ended.
type end string

const (
	promoted end = "promoted"
	back     end = "back"
	held     end = "held"
)

// outcome is what became of a release.
type outcome struct {
	end end
	// requests that the new version had answered by then, copies included.
	requests float64
	// verdicts are how many requests each step had been judged by when it ended.
	verdicts []float64
	// lasted is how long the release took.
	lasted time.Duration
	// plain is true when a comparison of each look with the bounds, without regard to chance, would have gone back.
	plain bool
}

// simulate plays so many releases, each kind as often as the others, on all processors.
func simulate(seed uint64, releases int) []outcome {
	out := make([]outcome, releases)
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			for i := w; i < releases; i += workers {
				out[i] = play(kinds[i%len(kinds)], rand.New(rand.NewPCG(seed, uint64(i))))
			}
		})
	}
	all.Wait()
	return out
}

// play takes one release of the kind to its end. Pods and callers do what they are told at once.
func play(k kind, d *rand.Rand) outcome {
	t := traffic{dice: d, old: k.beside(), new: k.new, rate: spread(d, leastRate, mostRate), every: everies[d.IntN(len(everies))]}
	spec := api.ReleaseSpec{From: "v1", To: "v2", Strategy: k.strategy(d)}
	var status api.ReleaseStatus
	out := outcome{end: held}
	t.begin(start)
	for now := start; now.Sub(start) < patience; {
		t.until(now)
		seen := look(&t, spec, status, now)
		out.plain = out.plain || plainly(*spec.Strategy.Analysis, seen.Sample)
		next := release.Decide(now, spec, status, seen)
		status = next.Status
		out.requests, out.lasted = t.newCount.requests, now.Sub(start)
		if status.Reason != "" {
			out.end = back
			break
		}
		if status.Phase == api.ReleaseDraining {
			out.end = promoted
			break
		}
		t.share, t.copies = shares(status)
		now = now.Add(max(next.Wake, time.Millisecond))
	}
	for _, s := range status.Steps {
		if s.Verdict != nil {
			out.verdicts = append(out.verdicts, float64(s.Verdict.Requests))
		}
	}
	return out
}

// spread is a number whose logarithm is spread evenly.
func spread(d *rand.Rand, least, most float64) float64 {
	return least * math.Pow(most/least, d.Float64())
}

func look(t *traffic, spec api.ReleaseSpec, status api.ReleaseStatus, now time.Time) release.Seen {
	pods := release.Pods{Replicas: 2, Ready: 2, Available: true, Present: 2}
	seen := release.Seen{Replicas: 2, Desired: "v2", From: pods, To: pods, Proof: mesh.Proof{Served: true, Method: "dice", Proxies: 1}}
	if !release.NeedsSample(spec, status, now) {
		return seen
	}
	if t.dice.Float64() < silent {
		seen.SampleError = errors.New("no answer within 2s")
		return seen
	}
	since, until := release.Window(spec, status, now)
	seen.Sample = t.sample(since, until)
	if release.Beside(spec, status) == "" {
		seen.Sample.Beside = nil
	}
	return seen
}

// shares are what the new version gets of the requests, and of their copies.
func shares(status api.ReleaseStatus) (share, copies float64) {
	for _, w := range status.Wanted {
		if w.Version != "v2" {
			continue
		}
		share = float64(w.Weight) / 100
		if len(w.Match) > 0 {
			share = matched + (1-matched)*share
		}
		if w.Mirror != nil {
			copies = float64(w.Mirror.Percent) / 100
		}
	}
	return share, copies
}

// plainly compares what was seen with the bounds, as if there were no chance.
func plainly(want api.Analysis, s mesh.Sample) bool {
	if s.Requests < leastRequests {
		return false
	}
	if want.SuccessRate != nil && s.SuccessPercent() < want.SuccessRate.MinPercent {
		return true
	}
	if want.Latency != nil && s.Latency.Quantile(0.95) > want.Latency.Max.Duration {
		return true
	}
	return want.Compare != nil && s.Beside != nil && s.Beside.Requests >= leastRequests &&
		s.SuccessPercent() < s.Beside.SuccessPercent()-want.Compare.MaxErrorIncrease
}
