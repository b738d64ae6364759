// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"strings"
	"testing"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	api "weir.dev/weir/api/v1alpha1"
)

// TestReadyMeansReachable has pods that are ready before callers know of them.
func TestReadyMeansReachable(t *testing.T) {
	w := newWorld(t, nil)
	callers.hold(w.namespace, true)
	w.application("shop", api.Component{
		Name: "reviews", Image: "registry.example/reviews:v1", Ports: []api.Port{{Port: 9080, Protocol: "http"}},
	})
	ready := func(want bool, word string) func() error {
		return func() error {
			var app api.Application
			if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
				return err
			}
			c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionReady)
			if c == nil || (c.Status == "True") != want || !strings.Contains(c.Message, word) {
				return fmt.Errorf("ready: %+v", c)
			}
			return nil
		}
	}
	w.eventually("callers are told", ready(false, "callers are being told"))
	callers.hold(w.namespace, false)
	w.eventually("ready", ready(true, "all components"))
}
