// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

func newAppListCommand(where *target) *cobra.Command {
	var format string
	var everywhere bool
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List applications, with how they are",
		Example: "  weir app list -n bookinfo\n  weir app list -A\n  weir app list -A -o json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			if everywhere {
				namespace = ""
			}
			var list api.ApplicationList
			if err := c.List(command.Context(), &list, client.InNamespace(namespace)); err != nil {
				return fmt.Errorf("list applications: %w", err)
			}
			slices.SortFunc(list.Items, func(a, b api.Application) int {
				return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
			})
			for i := range list.Items {
				list.Items[i].ManagedFields = nil
			}
			return show(command.OutOrStdout(), format, list.Items, func(w io.Writer) error {
				if len(list.Items) == 0 {
					_, err := fmt.Fprintln(w, "no applications; weir app init writes a first file of one")
					return err
				}
				return appTable(w, list.Items, time.Now(), everywhere)
			})
		},
	}
	command.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "of every namespace")
	addFormatFlag(command, &format)
	return command
}

func appTable(w io.Writer, apps []api.Application, now time.Time, everywhere bool) error {
	t := columns(w)
	head := []string{"NAME", "READY", "VERSION", "RELEASE", "HEALTH", "ADDRESS", "AGE", "STATUS"}
	if everywhere {
		head = append([]string{"NAMESPACE"}, head...)
	}
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, app := range apps {
		cells := []string{
			app.Name, cmp.Or(app.Status.Ready, "-"), cmp.Or(app.Status.Version, "-"), cmp.Or(app.Status.Release, "-"),
			cmp.Or(string(app.Status.Health), "-"), cmp.Or(app.Status.Address, "-"),
			duration.HumanDuration(now.Sub(app.CreationTimestamp.Time)), appWord(app),
		}
		if everywhere {
			cells = append([]string{app.Namespace}, cells...)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}

// appWord is how the application is, in a line.
func appWord(app api.Application) string {
	if app.DeletionTimestamp != nil {
		return "is being deleted"
	}
	ready := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionReady)
	if ready == nil {
		return notLookedAt
	}
	return ready.Message
}

const notLookedAt = "the controller has not looked at it yet"
