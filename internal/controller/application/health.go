// SPDX-License-Identifier: Apache-2.0

package application

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// health is how the application is, in a word, by the rest of its status. One that was never healthy is still starting,
// however long that takes.
func health(s api.ApplicationStatus) api.Health {
	faulty := slices.ContainsFunc(s.Conditions, func(c metav1.Condition) bool { return c.Status == metav1.ConditionFalse })
	switch {
	case !faulty:
		return api.Healthy
	case s.Health == "" || s.Health == api.Starting:
		return api.Starting
	case slices.ContainsFunc(s.Components, silent):
		return api.Down
	default:
		return api.Degraded
	}
}

// silent tells whether the version that carries the traffic has no pod that is ready.
func silent(c api.ComponentStatus) bool {
	return slices.ContainsFunc(c.Versions, func(v api.VersionStatus) bool { return v.Version == c.Current && v.Replicas > 0 && v.Ready == 0 })
}

// versions are those that carry the traffic: one word when all components have the same, else the first few with their
// components. Jobs carry none.
func versions(a *api.Application, components []api.ComponentStatus) string {
	const most = 3
	var all, words []string
	for _, s := range components {
		at := slices.IndexFunc(a.Spec.Components, func(c api.Component) bool { return c.Name == s.Name })
		version := cmp.Or(s.Current, s.Desired)
		if at < 0 || a.Spec.Components[at].RunsToEnd() || version == "" {
			continue
		}
		all, words = append(all, version), append(words, s.Name+" "+version)
	}
	if len(all) > 0 && !slices.ContainsFunc(all, func(v string) bool { return v != all[0] }) {
		return all[0]
	}
	if len(words) > most {
		words = append(words[:most], fmt.Sprintf("+%d", len(words)-most))
	}
	return strings.Join(words, ", ")
}
