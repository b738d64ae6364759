// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
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
	return list[api.Release]{
		use:     "list [COMPONENT]",
		short:   "List releases, the newest last",
		example: "  weir release list -n bookinfo\n  weir release list reviews -n bookinfo\n  weir release list -A -o json",
		none:    "no releases %s; one begins when a component of an application changes",
		read:    releasesIn,
		table:   releaseTable,
	}.command(where)
}

// releasesIn are the releases of the component that is named, or of all.
func releasesIn(ctx context.Context, c client.Reader, namespace string, args []string) ([]api.Release, error) {
	var found api.ReleaseList
	if err := c.List(ctx, &found, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list releases %s: %w", whereabouts(namespace), err)
	}
	releases := slices.DeleteFunc(found.Items, func(r api.Release) bool {
		return len(args) > 0 && r.Spec.Component != args[0]
	})
	slices.SortFunc(releases, standing.Older)
	return releases, nil
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
