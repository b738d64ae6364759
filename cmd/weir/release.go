// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
)

func newReleaseCommand() *cobra.Command {
	where := &target{}
	command := &cobra.Command{Use: "release", Aliases: []string{"releases"}, Short: "See how releases go, and steer them"}
	where.addFlags(command.PersistentFlags())
	command.AddCommand(
		newReleaseListCommand(where),
		newReleaseGetCommand(where),
		steer(where, "promote", "Skip the remaining steps; pods and callers are still waited for", func(s *api.ReleaseSpec) { s.Promote, s.Paused = true, false }),
		steer(where, "pause", "Stop a release where it is; the weights stay", func(s *api.ReleaseSpec) { s.Paused = true }),
		steer(where, "resume", "Let a paused release go on", func(s *api.ReleaseSpec) { s.Paused = false }),
		steer(where, "abort", "Give all requests back to the old version", func(s *api.ReleaseSpec) { s.Abort = true }),
	)
	return command
}

func newReleaseListCommand(where *target) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:     "list",
		Short:   "List the releases of a namespace, the newest last",
		Example: "  weir release list -n bookinfo",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			var list api.ReleaseList
			if err := c.List(command.Context(), &list, client.InNamespace(namespace)); err != nil {
				return fmt.Errorf("list releases in %s: %w", namespace, err)
			}
			slices.SortFunc(list.Items, func(a, b api.Release) int {
				return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
			})
			return show(command.OutOrStdout(), format, list.Items, func(w io.Writer) error { return releaseTable(w, list.Items, time.Now()) })
		},
	}
	addFormatFlag(command, &format)
	return command
}

func newReleaseGetCommand(where *target) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:     "get NAME",
		Short:   "Show one release: where it stands, and what every step proved",
		Example: "  weir release get reviews-v2 -n bookinfo\n  weir release get reviews-v2 -n bookinfo -o yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			var release api.Release
			if err := c.Get(command.Context(), client.ObjectKey{Namespace: namespace, Name: args[0]}, &release); err != nil {
				return fmt.Errorf("read release %s in %s: %w; see: weir release list -n %s", args[0], namespace, err, namespace)
			}
			return show(command.OutOrStdout(), format, release, func(w io.Writer) error { return releaseDetail(w, &release) })
		},
	}
	addFormatFlag(command, &format)
	return command
}

// steer is a command that edits a release; the controller does the rest.
func steer(where *target, verb, short string, change func(*api.ReleaseSpec)) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " NAME",
		Short:   short,
		Example: "  weir release " + verb + " reviews-v2 -n bookinfo",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			if err := edit(command.Context(), c, client.ObjectKey{Namespace: namespace, Name: args[0]}, change); err != nil {
				return err
			}
			fmt.Fprintf(command.OutOrStdout(), "release %s: %s\n", args[0], verb)
			return nil
		},
	}
}

func edit(ctx context.Context, c client.Client, key client.ObjectKey, change func(*api.ReleaseSpec)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var release api.Release
		if err := c.Get(ctx, key, &release); err != nil {
			return fmt.Errorf("read release %s: %w; see: weir release list -n %s", key, err, key.Namespace)
		}
		if release.Status.Phase.Finished() {
			return fmt.Errorf("release %s has ended: %s; change the component to begin another", key, release.Status.Message)
		}
		change(&release.Spec)
		return c.Update(ctx, &release)
	})
}

func releaseTable(w io.Writer, releases []api.Release, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "NAME\tCOMPONENT\tFROM\tTO\tPHASE\tWEIGHT\tAGE\tMESSAGE")
	for _, r := range releases {
		weight := "-"
		if r.Status.Verified != nil {
			weight = fmt.Sprintf("%d %%", r.Status.Verified.Weight)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.Spec.Component, r.Spec.From, r.Spec.To, r.Status.Phase, weight,
			duration.HumanDuration(now.Sub(r.CreationTimestamp.Time)), r.Status.Message)
	}
	return t.Flush()
}

func releaseDetail(w io.Writer, r *api.Release) error {
	fmt.Fprintf(w, "%s of application %s: %s → %s\n%s: %s\n\n", r.Spec.Component, r.Spec.Application, r.Spec.From, r.Spec.To, r.Status.Phase, r.Status.Message)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "WEIGHT\tWANTED\tVERIFIED AFTER\tREQUESTS\tVERDICT")
	for _, s := range r.Status.Steps {
		verified, requests, verdict := "-", "-", "-"
		if s.VerifiedAt != nil {
			verified = fmt.Sprintf("%d ms", s.VerifiedAt.Sub(s.WantedAt.Time).Milliseconds())
		}
		if s.Verdict != nil {
			requests, verdict = fmt.Sprint(s.Verdict.Requests), s.Verdict.Message
		}
		fmt.Fprintf(t, "%d %%\t%s\t%s\t%s\t%s\n", s.Weight, s.WantedAt.Format(time.TimeOnly), verified, requests, verdict)
	}
	return t.Flush()
}

func addFormatFlag(command *cobra.Command, format *string) {
	command.Flags().StringVarP(format, "output", "o", "", "json or yaml (default: for people)")
}

// show writes a value in the format asked for, or by table.
func show(w io.Writer, format string, value any, table func(io.Writer) error) error {
	switch format {
	case "":
		return table(w)
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	case "yaml":
		text, err := yaml.Marshal(value)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	default:
		return fmt.Errorf("--output %s: use json or yaml", format)
	}
}
