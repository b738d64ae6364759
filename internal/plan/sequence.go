// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
)

// Sequence returns the objects in the order to write them, so that after every single write no route leads to a subset
// that is not there. Objects already come with what is named before what names it; what is named no longer may go only
// after the last route to it: a live rule keeps the subsets it has until the routes are written, and is then written again
// without them. What is not among the objects is to be deleted afterwards, routes first.
func Sequence(objects []Object, live []*istio.DestinationRule) []Object {
	out := make([]Object, 0, len(objects))
	var later []Object
	for _, o := range objects {
		if rule, ok := o.(*istio.DestinationRule); ok {
			if both := keeping(rule, live); both != rule {
				later = append(later, rule)
				o = both
			}
		}
		out = append(out, o)
	}
	return append(out, later...)
}

// keeping is the rule with the subsets besides its own that the live rule of its name has; the rule itself when there are none.
func keeping(rule *istio.DestinationRule, live []*istio.DestinationRule) *istio.DestinationRule {
	i := slices.IndexFunc(live, func(o *istio.DestinationRule) bool {
		return o.Namespace == rule.Namespace && o.Name == rule.Name && o.Spec.Host == rule.Spec.Host
	})
	if i < 0 {
		return rule
	}
	out := rule
	for _, s := range live[i].Spec.Subsets {
		if slices.ContainsFunc(rule.Spec.Subsets, func(own *networking.Subset) bool { return own.Name == s.Name }) {
			continue
		}
		if out == rule {
			out = rule.DeepCopy()
		}
		out.Spec.Subsets = append(out.Spec.Subsets, s.DeepCopy())
	}
	return out
}
