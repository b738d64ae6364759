// SPDX-License-Identifier: Apache-2.0

//go:build api

package install

import (
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// wantRoles lets one who may view and one who may edit the namespace of the approvals do what they should, and what they
// should not. Here nobody makes Weir's roles a part of Kubernetes' own, so they are given as they are.
func wantRoles(t *testing.T, config *rest.Config) {
	t.Helper()
	admin := as(t, config, "")
	for role, users := range map[string][]rbacv1.Subject{
		"weir-view": {{Kind: "User", Name: "vera"}, {Kind: "User", Name: "eddy"}},
		"weir-edit": {{Kind: "User", Name: "eddy"}},
	} {
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "approvals", Name: role}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role}, Subjects: users,
		}
		if err := admin.Create(t.Context(), binding); err != nil {
			t.Fatal(err)
		}
	}
	release := released("steered")
	if err := admin.Create(t.Context(), release); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Delete(t.Context(), release) }()
	shop := &api.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: "approvals", Name: "shop"},
		Spec:       api.ApplicationSpec{Components: []api.Component{{Name: "front", Image: "front:v1"}}},
	}
	elsewhere := shop.DeepCopy()
	elsewhere.Namespace = "default"
	for name, act := range map[string]func(client.Client) error{
		"list": func(c client.Client) error {
			return c.List(t.Context(), &api.StrategyList{}, client.InNamespace("approvals"))
		},
		"make":           func(c client.Client) error { return c.Create(t.Context(), shop.DeepCopy(), client.DryRunAll) },
		"make elsewhere": func(c client.Client) error { return c.Create(t.Context(), elsewhere.DeepCopy(), client.DryRunAll) },
		"steer": func(c client.Client) error {
			changed := release.DeepCopy()
			changed.Spec.Paused = true
			return c.Update(t.Context(), changed, client.DryRunAll)
		},
		"begin a release": func(c client.Client) error { return c.Create(t.Context(), released("other"), client.DryRunAll) },
		"tell its status": func(c client.Client) error {
			return c.Status().Update(t.Context(), release.DeepCopy(), client.DryRunAll)
		},
	} {
		may := map[string][]string{"vera": {"list"}, "eddy": {"list", "make", "steer"}}
		for user, allowed := range may {
			t.Run("roles/"+user+"/"+name, func(t *testing.T) {
				err := act(as(t, config, user))
				if want := slices.Contains(allowed, name); want && err != nil || !want && !apierrors.IsForbidden(err) {
					t.Errorf("got %v, want it allowed: %v", err, want)
				}
			})
		}
	}
}
