// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/strategy"
)

// truth is what a version is, which the engine does not know.
type truth string

const (
	// good keeps to every bound, and is no worse than the version beside.
	good truth = "good"
	// bad is beyond its bounds by what matters: it fails three times as often as it may, or takes half as long again, or
	// five more of 100 requests to it fail than beside, or it is twice as slow as it may be beside.
	bad truth = "bad"
	// open is in between: beyond its bounds by so little that no test of a few hundred requests can tell.
	open truth = "open"
)

// kind is a kind of version, and what it is judged by.
type kind struct {
	name string
	truth
	analysis *api.Analysis
	new      version
	// old answers well when it is not given.
	old *version
	// held is the share of its releases that may be left for somebody to decide. What lies on a bound looks as if it were
	// beyond it half of the time, and what lies between two borders of the buckets is not known.
	held float64
}

// beside is the version that runs beside the new one.
func (k kind) beside() version {
	if k.old == nil {
		return fine
	}
	return *k.old
}

// strategy is one that the kind's analysis can be carried out with: a comparison needs a version beside.
func (k kind) strategy(d *rand.Rand) api.StrategySpec {
	for {
		s := *strategies[d.IntN(len(strategies))].DeepCopy()
		s.Analysis = k.analysis.DeepCopy()
		if len(strategy.Check(s, nil, "")) == 0 {
			return s
		}
	}
}

// The range of the requests a second to the component, the times between two scrapes, and the least number of requests
// that anything is judged by, which is the API's default.
const (
	leastRate, mostRate = 5.0, 500.0
	leastRequests       = 50
)

var everies = []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second}

// strategies are one of each type; the number of steps makes the risk of each, so canaries of one step are among them.
var strategies = []api.StrategySpec{
	{Steps: []api.Step{{Weight: 10}, {Weight: 30}, {Weight: 60}}},
	{Steps: []api.Step{{Weight: 10}}},
	{Ramp: &api.Ramp{Step: 20, Interval: seconds(60)}},
	{Type: api.StrategyBlueGreen, Warm: new(seconds(300))},
	{Type: api.StrategyMirror, Steps: []api.Step{{Mirror: &api.Mirror{Percent: 50}, Hold: new(seconds(60))}, {Weight: 50}}},
	{Type: api.StrategyABTest, Steps: []api.Step{{Match: []api.Match{{Method: "GET"}}, Hold: new(seconds(120))}}},
}

// The bounds: 99 of 100 requests succeed and 95 of 100 take 250 ms at most, which is a border of
// the proxies' buckets, or 300 ms, which is none; no worse than the version beside, and half as
// slow again at most.
var (
	absolute = &api.Analysis{
		MinRequests: leastRequests, SuccessRate: &api.SuccessRate{MinPercent: 99},
		Latency: &api.Latency{Quantile: "P95", Max: seconds(0.25)},
	}
	between  = &api.Analysis{MinRequests: leastRequests, Latency: &api.Latency{Quantile: "P95", Max: seconds(0.3)}}
	relative = &api.Analysis{MinRequests: leastRequests, Compare: &api.Compare{MaxLatencyIncrease: new(50.0), Quantile: "P95"}}
)

var (
	fine   = version{fails: 0.001, p95: 120 * time.Millisecond}
	flawed = version{fails: 0.02, p95: 120 * time.Millisecond}
)

var kinds = []kind{
	{name: "never fails", truth: good, analysis: absolute, new: with(0, 120)},
	{name: "0.2 % fail", truth: good, analysis: absolute, new: with(0.002, 120)},
	{name: "0.5 % fail", truth: good, analysis: absolute, new: with(0.005, 120)},
	{name: "0.3 % fail, three in a row", truth: good, analysis: absolute, new: version{fails: 0.003, burst: 3, p95: 120 * time.Millisecond}},
	{name: "P95 is 200 ms", truth: good, analysis: absolute, new: with(0.001, 200)},
	{name: "slow until warm", truth: good, analysis: absolute, new: version{fails: 0.001, p95: 120 * time.Millisecond, warm: 40}},
	{name: "1 % fail, on the bound", truth: good, analysis: absolute, new: with(0.01, 120), held: 0.5},
	{name: "P95 is 250 ms, on the bound", truth: good, analysis: absolute, new: with(0.001, 250), held: 0.5},
	{name: "P95 is 290 ms, where it may be 300 ms", truth: good, analysis: between, new: with(0.001, 290), held: 1},
	{name: "as good as the one beside", truth: good, analysis: relative, new: fine},
	{name: "as flawed as the one beside", truth: good, analysis: relative, new: flawed, old: &flawed},
	{name: "better than the one beside", truth: good, analysis: relative, new: fine, old: &flawed},
	{name: "a third slower than the one beside", truth: good, analysis: relative, new: with(0.001, 160)},

	{name: "3 % fail", truth: bad, analysis: absolute, new: with(0.03, 120)},
	{name: "5 % fail", truth: bad, analysis: absolute, new: with(0.05, 120)},
	{name: "20 % fail", truth: bad, analysis: absolute, new: with(0.2, 120)},
	{name: "all fail", truth: bad, analysis: absolute, new: with(1, 120)},
	{name: "5 % fail, three in a row", truth: bad, analysis: absolute, new: version{fails: 0.05, burst: 3, p95: 120 * time.Millisecond}},
	{name: "P95 is 375 ms", truth: bad, analysis: absolute, new: with(0.001, 375)},
	{name: "P95 is 900 ms", truth: bad, analysis: absolute, new: with(0.001, 900)},
	{name: "5 % fail, 0.1 % beside", truth: bad, analysis: relative, new: with(0.05, 120)},
	{name: "20 % fail, 2 % beside", truth: bad, analysis: relative, new: with(0.2, 120), old: &flawed},
	{name: "three times as slow as the one beside", truth: bad, analysis: relative, new: with(0.001, 360), held: 1},
	{name: "eight times as slow as the one beside", truth: bad, analysis: relative, new: with(0.001, 960)},

	{name: "1.5 % fail", truth: open, analysis: absolute, new: with(0.015, 120)},
	{name: "P95 is 280 ms", truth: open, analysis: absolute, new: with(0.001, 280)},
	{name: "1 % fail, 0.1 % beside", truth: open, analysis: relative, new: with(0.01, 120)},
}

func with(fails float64, p95 int) version {
	return version{fails: fails, p95: time.Duration(p95) * time.Millisecond}
}

func seconds(s float64) metav1.Duration {
	return metav1.Duration{Duration: time.Duration(s * float64(time.Second))}
}
