// SPDX-License-Identifier: Apache-2.0

//go:build api

package install

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// wantOwnApprovals lets people approve in their own name and in others', through the policy of the chart.
func wantOwnApprovals(t *testing.T, config *rest.Config) {
	t.Helper()
	admin := as(t, config, "")
	for _, obj := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "approvals"}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "approvers"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects: []rbacv1.Subject{{Kind: "User", Name: "ada"}, {Kind: "User", Name: "ben"}},
		},
		released("approvals"),
	} {
		if err := admin.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	// Nobody collects garbage here, for which a purge would wait.
	defer func() { _ = admin.Delete(context.WithoutCancel(t.Context()), released("approvals")) }()
	// The policy is in force a while after it is written: the server looks anew for kinds each half minute.
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 90*time.Second, true, func(context.Context) (bool, error) {
		return approveAs(t, config, "ada", func(s *api.ReleaseSpec) { s.Approvals = []api.Approval{word("ben", 9)} }, client.DryRunAll) != nil, nil
	})
	if err != nil {
		t.Fatal("ada may approve as ben")
	}
	for _, step := range []struct {
		name, user string
		change     func(*api.ReleaseSpec)
		refused    string
	}{
		{"her own", "ada", func(s *api.ReleaseSpec) { s.Approvals = append(s.Approvals, word("ada", 1)) }, ""},
		{"beside hers", "ben", func(s *api.ReleaseSpec) { s.Approvals = append(s.Approvals, word("ben", 2)) }, ""},
		{"a command besides", "ada", func(s *api.ReleaseSpec) { s.Paused = true }, ""},
		{"another's", "ada", func(s *api.ReleaseSpec) { s.Approvals = append(s.Approvals, word("ben", 3)) }, "by must be ada"},
		{"another's, for another step", "ada", func(s *api.ReleaseSpec) { s.Approvals[1].Step = 4 }, "by must be ada"},
		{"taking over", "ada", func(s *api.ReleaseSpec) { s.Approvals[1].By = "ada" }, "only who gave an approval"},
		{"taking back another's", "ada", func(s *api.ReleaseSpec) { s.Approvals = s.Approvals[:1] }, "only who gave an approval"},
		{"taking back his own", "ben", func(s *api.ReleaseSpec) { s.Approvals = s.Approvals[:1] }, ""},
	} {
		t.Run("approve/"+step.name, func(t *testing.T) {
			err := approveAs(t, config, step.user, step.change)
			if step.refused == "" && err != nil || step.refused != "" && (err == nil || !strings.Contains(err.Error(), step.refused)) {
				t.Errorf("got %v, want %q", err, step.refused)
			}
		})
	}
	t.Run("approve/from the start", func(t *testing.T) {
		release := released("another")
		release.Spec.Approvals = []api.Approval{word("ben", 1)}
		if err := as(t, config, "ada").Create(t.Context(), release); err == nil || !strings.Contains(err.Error(), "by must be ada") {
			t.Errorf("got %v", err)
		}
	})
}

func released(name string) *api.Release {
	return &api.Release{
		ObjectMeta: metav1.ObjectMeta{Namespace: "approvals", Name: name},
		Spec:       api.ReleaseSpec{Application: "shop", Component: "reviews", From: "v1", To: "v2"},
	}
}

func word(by string, step int32) api.Approval {
	return api.Approval{Gate: "tested", Step: step, By: by, At: metav1.Time{Time: time.Unix(1_800_000_000, 0)}}
}

// as is a client of somebody; of the administrator when the name is empty.
func as(t *testing.T, config *rest.Config, user string) client.Client {
	t.Helper()
	config = rest.CopyConfig(config)
	config.Impersonate.UserName = user
	c, err := client.New(config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func approveAs(t *testing.T, config *rest.Config, user string, change func(*api.ReleaseSpec), options ...client.UpdateOption) error {
	t.Helper()
	c := as(t, config, user)
	var release api.Release
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "approvals", Name: "approvals"}, &release); err != nil {
		t.Fatal(err)
	}
	release.Spec.Approvals = append([]api.Approval(nil), release.Spec.Approvals...)
	change(&release.Spec)
	return c.Update(t.Context(), &release, options...)
}
