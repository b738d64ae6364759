// SPDX-License-Identifier: Apache-2.0

package use

import (
	"slices"

	security "istio.io/api/security/v1beta1"
	apitype "istio.io/api/type/v1beta1"
	istio "istio.io/client-go/pkg/apis/security/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
)

// Principal is the identity of a service account in the mesh. Istio reads cluster.local as its own trust domain, whatever
// that is called.
func Principal(namespace, account string) string {
	return "cluster.local/ns/" + namespace + "/sa/" + account
}

// Access lets the principals call the component, and nobody else. Probes and the scraping of figures go to ports of the
// sidecar's own, which it does not guard.
func Access(a *api.Application, component string, principals []string) *istio.AuthorizationPolicy {
	p := &istio.AuthorizationPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: istio.SchemeGroupVersion.String(), Kind: "AuthorizationPolicy"},
		ObjectMeta: owner.Meta(a, component, component),
		Spec: security.AuthorizationPolicy{
			Selector: &apitype.WorkloadSelector{MatchLabels: owner.Selector(a, component, "")},
			Action:   security.AuthorizationPolicy_ALLOW,
		},
	}
	if len(principals) > 0 {
		principals = slices.Clone(principals)
		slices.Sort(principals)
		p.Spec.Rules = []*security.Rule{{From: []*security.Rule_From{{Source: &security.Source{Principals: slices.Compact(principals)}}}}}
	}
	return p
}
