// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release/standing"
)

func newReleaseListCommand(where *target) *cobra.Command {
	var format string
	var everywhere bool
	command := &cobra.Command{
		Use:     "list [COMPONENT]",
		Aliases: []string{"ls"},
		Short:   "List releases, the newest last",
		Example: "  weir release list -n bookinfo\n  weir release list reviews -n bookinfo\n  weir release list -A -o json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			if everywhere {
				namespace = ""
			}
			var list api.ReleaseList
			if err := c.List(command.Context(), &list, client.InNamespace(namespace)); err != nil {
				return fmt.Errorf("list releases: %w", err)
			}
			releases := slices.DeleteFunc(list.Items, func(r api.Release) bool {
				return len(args) > 0 && r.Spec.Component != args[0]
			})
			slices.SortFunc(releases, standing.Older)
			return show(command.OutOrStdout(), format, releases, func(w io.Writer) error {
				if len(releases) == 0 {
					_, err := fmt.Fprintln(w, "no releases; one begins when a component of an application changes")
					return err
				}
				return releaseTable(w, releases, time.Now(), everywhere)
			})
		},
	}
	command.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "of every namespace")
	addFormatFlag(command, &format)
	return command
}

func releaseTable(w io.Writer, releases []api.Release, now time.Time, everywhere bool) error {
	t := columns(w)
	head := []string{"NAME", "APPLICATION", "COMPONENT", "FROM", "TO", "PHASE", "WEIGHT", "AGE", "MESSAGE"}
	if everywhere {
		head = append([]string{"NAMESPACE"}, head...)
	}
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, r := range releases {
		cells := []string{
			r.Name, r.Spec.Application, r.Spec.Component, r.Spec.From, r.Spec.To, phaseWord(r), verifiedWeight(r),
			duration.HumanDuration(now.Sub(r.CreationTimestamp.Time)), r.Status.Message,
		}
		if everywhere {
			cells = append([]string{r.Namespace}, cells...)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}

// phaseWord is the phase; a pause is worth more than it.
func phaseWord(r api.Release) string {
	switch phase := r.Status.Phase; {
	case phase == "":
		return "Beginning"
	case r.Spec.Paused && !phase.Finished():
		return "Paused"
	default:
		return string(phase)
	}
}

func verifiedWeight(r api.Release) string {
	if r.Status.Verified == nil {
		return "-"
	}
	return fmt.Sprintf("%d %%", r.Status.Verified.Weight)
}
