// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"
	"time"

	"weir.dev/weir/internal/mesh"
)

// bounds of the buckets that Istio's proxies count latencies in, in milliseconds
// (istio.io, istio_request_duration_milliseconds; Envoy's default histogram buckets).
var bounds = []float64{0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000}

// version is how a version answers.
type version struct {
	// fails is the share of its requests that fail, between 0 and 1.
	fails float64
	// burst is how many fail in a row once one does; 0 is 1.
	burst int
	// p95 is the latency that 95 of 100 requests keep to; latencies are log-normal.
	p95 time.Duration
	// warm is how many of its first requests take three times as long.
	warm int
}

// sigma is the standard deviation of the logarithm of a latency; z95 is the normal distribution's 95 % point.
const sigma, z95 = 0.6, 1.6449

// counter counts what a version answered, as a proxy does: its numbers only grow.
type counter struct {
	requests, failed float64
	took             [20]float64 // by bucket; the last is for all that took longer
	// failing is how many more of the present burst fail.
	failing int
}

// serve counts n more requests.
func (c *counter) serve(d *rand.Rand, v version, n int) {
	median := math.Log(float64(v.p95)/float64(time.Millisecond)) - z95*sigma
	begins := v.fails / float64(max(v.burst, 1))
	for range n {
		slow := 1.0
		if c.requests < float64(v.warm) {
			slow = 3
		}
		c.requests++
		c.took[bucket(slow*math.Exp(median+sigma*d.NormFloat64()))]++
		if c.failing == 0 && d.Float64() < begins {
			c.failing = max(v.burst, 1)
		}
		if c.failing > 0 {
			c.failing--
			c.failed++
		}
	}
}

func bucket(ms float64) int {
	i := 0
	for i < len(bounds) && ms > bounds[i] {
		i++
	}
	return i
}

// since is what was counted since an earlier state of the counter.
func (c *counter) since(before counter) mesh.Sample {
	s := mesh.Sample{Requests: c.requests - before.requests, Failed: c.failed - before.failed}
	var buckets []mesh.Bucket
	sum := 0.0
	for i := range c.took {
		sum += c.took[i] - before.took[i]
		upper := mesh.Endless
		if i < len(bounds) {
			upper = time.Duration(bounds[i] * float64(time.Millisecond))
		}
		buckets = append(buckets, mesh.Bucket{Upper: upper, Count: sum})
	}
	s.Latency = mesh.NewHistogram(buckets)
	return s
}
