// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// longest is how long the API server may be made to wait, in seconds.
const longest = 3

// TestConfigurationHurtsNobody holds what the API server is told to the few questions that are ours to answer.
func TestConfigurationHurtsNobody(t *testing.T) {
	o := Options{Namespace: "weir-system", ServiceAccount: "weir-controller", Exempt: []string{"istio-system"}}.withDefaults()
	for _, h := range o.configuration([]byte("authority")).Webhooks {
		for what, ok := range map[string]bool{
			"it is waited for shortly":  h.TimeoutSeconds != nil && *h.TimeoutSeconds <= longest,
			"it fails open":             h.FailurePolicy != nil && *h.FailurePolicy == admissionv1.Ignore,
			"a dry run may ask":         h.SideEffects != nil && *h.SideEffects == admissionv1.SideEffectClassNone,
			"it is reached by Service":  h.ClientConfig.URL == nil && h.ClientConfig.Service.Name == "weir-webhook",
			"the controller goes by it": slices.ContainsFunc(h.MatchConditions, func(c admissionv1.MatchCondition) bool { return c.Name == "not-by-weir" }),
		} {
			if !ok {
				t.Errorf("%s: not true: %s", h.Name, what)
			}
		}
		for _, r := range h.Rules {
			if diff := cmp.Diff([]string{"weir.dev"}, r.APIGroups); diff != "" {
				t.Errorf("%s asks about others' kinds (-want +got):\n%s", h.Name, diff)
			}
			if diff := cmp.Diff([]admissionv1.OperationType{admissionv1.Create, admissionv1.Update}, r.Operations); diff != "" {
				t.Errorf("%s asks about more than writes (-want +got):\n%s", h.Name, diff)
			}
			if len(r.Resources) != 1 || *r.Scope != admissionv1.NamespacedScope {
				t.Errorf("%s asks about %v, %s", h.Name, r.Resources, *r.Scope)
			}
		}
		out := h.NamespaceSelector.MatchExpressions[0].Values
		if diff := cmp.Diff([]string{"kube-system", "weir-system", "istio-system"}, out); diff != "" {
			t.Errorf("%s: namespaces left out (-want +got):\n%s", h.Name, diff)
		}
	}
}
