// SPDX-License-Identifier: Apache-2.0

//go:build api

package api_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func strategy(spec string) string {
	return "{apiVersion: weir.dev/v1alpha1, kind: Strategy, spec: {" + spec + "}}"
}

// releaseBy writes a Release that goes by the strategy.
func releaseBy(spec string) string {
	return "{apiVersion: weir.dev/v1alpha1, kind: Release, spec: {application: a, component: b, from: c, to: d, strategy: {" +
		spec + "}}}"
}

func TestStrategyRefused(t *testing.T) {
	grow := "weights must grow from step to step, for example 10, 50, 100"
	hold := "hold lies between 0s and 720h"
	for name, tt := range map[string]struct {
		spec string
		want []string
	}{
		"unknown field":     {"step: []", []string{`unknown field "spec.step"`}},
		"unknown type":      {"type: Big", []string{"spec.type", `supported values: "Canary"`}},
		"weight 0":          {"steps: [{weight: 0}]", []string{"spec.steps", "a step needs a weight from 1 to 100, a match or a mirror"}},
		"weight 101":        {"steps: [{weight: 10}, {weight: 101}]", []string{"spec.steps[1].weight", "less than or equal to 100"}},
		"no weight":         {"steps: [{hold: 1s}]", []string{"spec.steps", "a step needs a weight from 1 to 100, a match or a mirror"}},
		"weights go down":   {"steps: [{weight: 50}, {weight: 10}]", []string{"spec.steps", grow}},
		"weights stay":      {"steps: [{weight: 50}, {weight: 50}]", []string{"spec.steps", grow}},
		"33 steps":          {"steps: [" + strings.Repeat("{weight: 1},", 33) + "]", []string{"spec.steps: Too many: 33: must have at most 32 items"}},
		"negative hold":     {"steps: [{weight: 1, hold: -1s}]", []string{"spec.steps[0].hold", hold}},
		"endless hold":      {"steps: [{weight: 1, hold: 9000h}]", []string{"spec.steps[0].hold", hold}},
		"hold in words":     {"steps: [{weight: 1, hold: soon}]", []string{"spec.steps[0].hold", hold}},
		"hold in days":      {"steps: [{weight: 1, hold: 1d}]", []string{"spec.steps[0].hold", hold}},
		"hold as a number":  {"steps: [{weight: 1, hold: 5}]", []string{"spec.steps[0].hold", "must be of type string"}},
		"negative drain":    {"drain: -1s", []string{"spec.drain", "drain lies between 0s and 24h"}},
		"endless drain":     {"drain: 25h", []string{"spec.drain", "drain lies between 0s and 24h"}},
		"no readyDeadline":  {"readyDeadline: 0s", []string{"spec.readyDeadline", "readyDeadline lies between 1s and 24h"}},
		"unknown onFailure": {"onFailure: Panic", []string{"spec.onFailure", `supported values: "Rollback", "Pause"`}},
		"interval 0":        {"analysis: {interval: 0s}", []string{"spec.analysis.interval", "interval lies between 1s and 24h"}},
		"endless deadline":  {"analysis: {deadline: 721h}", []string{"spec.analysis.deadline", "deadline lies between 1s and 720h"}},
		"minRequests 0":     {"analysis: {minRequests: 0}", []string{"spec.analysis.minRequests", "greater than or equal to 1"}},
		"too many requests": {"analysis: {minRequests: 1000000001}", []string{"spec.analysis.minRequests", "less than or equal to 1000000000"}},
		"success over 100":  {"analysis: {successRate: {minPercent: 101}}", []string{"spec.analysis.successRate.minPercent", "less than or equal to 100"}},
		"success below 0":   {"analysis: {successRate: {minPercent: -1}}", []string{"spec.analysis.successRate.minPercent", "greater than or equal to 0"}},
		"success unsaid":    {"analysis: {successRate: {}}", []string{"spec.analysis.successRate.minPercent: Required value"}},
		"unknown quantile":  {"analysis: {latency: {quantile: P42, max: 1s}}", []string{"spec.analysis.latency.quantile", `supported values: "P50"`}},
		"latency unsaid":    {"analysis: {latency: {}}", []string{"spec.analysis.latency.max: Required value"}},
		"latency 0":         {"analysis: {latency: {max: 0s}}", []string{"spec.analysis.latency.max", "max lies between 1ms and 1h"}},
		"unknown onNoData":  {"analysis: {onNoData: Cry}", []string{"spec.analysis.onNoData", `supported values: "Hold", "Pass", "Fail"`}},
		"unknown onMetricsError": {
			"analysis: {onMetricsError: Cry}", []string{"spec.analysis.onMetricsError", `supported values: "Hold", "Pass", "Fail"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(t, strategy(tt.spec), client.DryRunAll)
			refused(t, err, tt.want...)
			_, err = create(t, releaseBy(tt.spec), client.DryRunAll)
			refused(t, err, strings.Replace(tt.want[0], "spec.", "spec.strategy.", 1), strings.Join(tt.want[1:], ""))
		})
	}
}

func TestReleaseRefused(t *testing.T) {
	long := strings.Repeat("a", 64)
	for name, tt := range map[string]struct{ spec, want string }{
		"no application":   {"{component: b, from: c, to: d, strategy: {}}", "spec.application: Required value"},
		"no component":     {"{application: a, from: c, to: d, strategy: {}}", "spec.component: Required value"},
		"no from":          {"{application: a, component: b, to: d, strategy: {}}", "spec.from: Required value"},
		"no to":            {"{application: a, component: b, from: c, strategy: {}}", "spec.to: Required value"},
		"no strategy":      {"{application: a, component: b, from: c, to: d}", "spec.strategy: Required value"},
		"long application": {"{application: " + long + ", component: b, from: c, to: d, strategy: {}}", "spec.application: Too long"},
		"long component":   {"{application: a, component: " + long + ", from: c, to: d, strategy: {}}", "spec.component: Too long"},
		"long from":        {"{application: a, component: b, from: " + long + ", to: d, strategy: {}}", "spec.from: Too long"},
		"long to":          {"{application: a, component: b, from: c, to: " + long + ", strategy: {}}", "spec.to: Too long"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(t, "{apiVersion: weir.dev/v1alpha1, kind: Release, spec: "+tt.spec+"}", client.DryRunAll)
			refused(t, err, tt.want)
		})
	}
	for _, kind := range []string{"Release", "Strategy"} {
		t.Run(kind+" without a spec", func(t *testing.T) {
			_, err := create(t, "{apiVersion: weir.dev/v1alpha1, kind: "+kind+"}", client.DryRunAll)
			refused(t, err, "spec: Required value")
		})
	}
}

const release = `{apiVersion: weir.dev/v1alpha1, kind: Release, spec: {
	application: shop, component: reviews, from: v1, to: v2, strategy: {steps: [{weight: 10}]}, abort: true}}`

func TestReleaseIsKept(t *testing.T) {
	keeps := "a release keeps the application, component, versions and unit it was made with"
	for name, tt := range map[string]struct {
		value any
		field []string
		want  []string
	}{
		"application":   {"other", []string{"spec", "application"}, []string{"spec: Invalid value", keeps}},
		"component":     {"other", []string{"spec", "component"}, []string{"spec: Invalid value", keeps}},
		"from":          {"v0", []string{"spec", "from"}, []string{"spec: Invalid value", keeps}},
		"to":            {"v3", []string{"spec", "to"}, []string{"spec: Invalid value", keeps}},
		"strategy type": {"BlueGreen", []string{"spec", "strategy", "type"}, []string{"spec", keeps}},
		"strategy":      {"Pause", []string{"spec", "strategy", "onFailure"}, nil},
		"abort revoked": {false, []string{"spec", "abort"}, []string{"spec.abort", "an abort is not taken back"}},
		"paused":        {true, []string{"spec", "paused"}, nil},
		"promoted":      {true, []string{"spec", "promote"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := create(t, release)
			if err != nil {
				t.Fatal(err)
			}
			if err := unstructured.SetNestedField(o.Object, tt.value, tt.field...); err != nil {
				t.Fatal(err)
			}
			err = server.Update(t.Context(), o)
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			refused(t, err, tt.want...)
		})
	}
}
