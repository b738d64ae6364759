// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

func newReleaseApproveCommand(where *target) *cobra.Command {
	var format, gate string
	command := &cobra.Command{
		Use:   "approve NAME",
		Short: "Open a gate that waits for an approval",
		Long: "Open a gate that waits for an approval. The release records who approved, by the name the cluster knows you by,\n" +
			"and when. Without --gate the one gate that waits is meant.",
		Example: "  weir release approve reviews -n bookinfo\n  weir release approve reviews-v2 --gate tested -n bookinfo",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			user, err := whoAmI(command.Context(), c)
			if err != nil {
				return err
			}
			key := client.ObjectKey{Namespace: namespace, Name: args[0]}
			release, said, err := edit(command.Context(), c, key, func(r *api.Release) (string, error) {
				return approve(r, gate, api.Approval{By: user, At: metav1.Time{Time: time.Now().UTC().Truncate(time.Second)}})
			})
			if err != nil {
				return err
			}
			return show(command.OutOrStdout(), format, release, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "release %s: %s\n", release.Name, said)
				return err
			})
		},
	}
	command.Flags().StringVar(&gate, "gate", "", "name of the gate (default: the one that waits)")
	addFormatFlag(command, &format)
	return command
}

// whoAmI is the name by which the API server knows who asks.
func whoAmI(ctx context.Context, c client.Client) (string, error) {
	var review authenticationv1.SelfSubjectReview
	if err := c.Create(ctx, &review); err != nil {
		return "", fmt.Errorf("ask the API server who you are: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}

// approve adds the approval for the gate, or for the one that waits when no name is given.
func approve(r *api.Release, gate string, approval api.Approval) (string, error) {
	if err := underWay(r); err != nil {
		return "", err
	}
	waiting := waitingApprovals(r)
	var names []string
	for _, record := range waiting {
		names = append(names, record.Name)
	}
	for _, record := range waiting {
		if record.Name != gate && (gate != "" || len(waiting) > 1) {
			continue
		}
		approval.Gate, approval.Step = record.Name, record.Step
		r.Spec.Approvals = append(r.Spec.Approvals, approval)
		return fmt.Sprintf("gate %s approved by %s", record.Name, approval.By), nil
	}
	switch {
	case len(waiting) == 0:
		return "", fmt.Errorf("no gate waits for an approval; it stands at: %s", r.Status.Message)
	case gate == "":
		return "", fmt.Errorf("several gates wait: %s; name one with --gate", strings.Join(names, ", "))
	default:
		return "", fmt.Errorf("gate %q does not wait for an approval; those that wait: %s", gate, strings.Join(names, ", "))
	}
}

// waitingApprovals are the gates that wait for somebody's word.
func waitingApprovals(r *api.Release) []api.GateRecord {
	if r.Status.Phase.Finished() {
		return nil
	}
	asked := map[string]bool{}
	for _, g := range r.Spec.Strategy.Gates {
		asked[g.Name] = g.Approval != nil
	}
	var out []api.GateRecord
	for _, record := range r.Status.Gates {
		if record.State == api.GateWaiting && asked[record.Name] {
			out = append(out, record)
		}
	}
	return out
}
