// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
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
	return list[api.Application]{
		use:     "list",
		short:   "List applications, with how they are",
		example: "  weir app list -n bookinfo\n  weir app list -A\n  weir app list -A -o json",
		none:    "no applications %s; weir app init writes a first file of one",
		read:    appsIn,
		table:   appTable,
	}.command(where)
}

func appsIn(ctx context.Context, c client.Reader, namespace string, _ []string) ([]api.Application, error) {
	var found api.ApplicationList
	if err := c.List(ctx, &found, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list applications %s: %w", whereabouts(namespace), err)
	}
	for i := range found.Items {
		found.Items[i].ManagedFields = nil
	}
	slices.SortFunc(found.Items, func(a, b api.Application) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return found.Items, nil
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
