// SPDX-License-Identifier: Apache-2.0

//go:build api

package mutation_test

import (
	"testing"

	"sigs.k8s.io/yaml"

	"weir.dev/weir/test/mutant"
)

// bases are good strategies that between them say something in every field.
var bases = map[string]string{
	"canary": `
steps: [{weight: 10, hold: 0s}, {weight: 50}]
analysis:
  {interval: 1s, minRequests: 50, successRate: {minPercent: 99}, latency: {quantile: P95, max: 1s}, errorBudget: {maxFailures: 10},
  deadline: 10s, onNoData: Hold, onMetricsError: Hold}
capacity: Full
onFailure: Rollback
warm: 0s
drain: 0s
readyDeadline: 5s
sticky: {cookie: user, maxAge: 1h}
windows: [{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], from: "00:00", to: "24:00", zone: UTC}]`,
	"measured": `
ramp: {start: 50, step: 50, interval: 0s, max: 100}
analysis:
  interval: 1s
  requestRate: {min: 0, max: 1000000}
  unanswered: {maxPercent: 1}
  compare: {maxErrorIncrease: 1, maxLatencyIncrease: 50, quantile: P95, confidence: 99}
  metrics: [{name: depth, query: 'max(depth{to="$(to)"})', min: 0, max: 10}]
  server: {url: "http://127.0.0.1:9", secret: token}
drain: 0s`,
	"blue-green": `{type: BlueGreen, warm: 0s, drain: 0s, readyDeadline: 5s}`,
	"mirror":     `{type: Mirror, steps: [{mirror: {percent: 50, methods: Safe}, hold: 0s}], drain: 0s}`,
	"ab": `
type: ABTest
steps:
  - match:
      - headers: [{name: x-user, exact: tester}]
        cookies: [{name: group, prefix: b}]
        query: [{name: try, regex: "y.*"}]
        path: {prefix: /a}
        method: GET
        userAgent: {regex: ".*Firefox.*"}
        source: page
    hold: 0s
drain: 0s`,
	"gated": `
steps: [{weight: 50}]
drain: 0s
gates:
  - {name: approved, at: BeforePromotion, approval: {}, deadline: 10s}`,
	"asked": `
steps: [{weight: 50}]
drain: 0s
gates:
  - {name: asked, at: BeforeStart, webhook: {url: "http://127.0.0.1:9/", timeout: 1s}, deadline: 1s}`,
	"checked": `
steps: [{weight: 50}]
drain: 0s
gates:
  - {name: checked, at: BeforeStep, job: {image: "check:v1", command: [check], args: [now], env: [{name: A, value: b}], retries: 1}, deadline: 1s}`,
}

// commands is a release with everything that a user may say to it.
const commands = `
application: shop
component: reviews
from: v1
to: v2
strategy: {drain: 0s}
unit: {name: all, releases: [reviews-v2]}
paused: false
promote: false
abort: false
skip: 1
approvals: [{gate: approved, step: 1, by: somebody, at: "2026-01-01T00:00:00Z"}]
retry: false`

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func specOf(t *testing.T, plural string) mutant.Schema {
	t.Helper()
	out, err := mutant.SpecOf(plural)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
