// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// steer is a command that edits a release; the controller does the rest. The change returns what it came to, in words,
// or why it cannot be.
type steer struct {
	verb, short, long string
	change            func(*api.Release) (string, error)
}

func (s steer) command(where *target) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:     s.verb + " NAME",
		Short:   s.short,
		Long:    s.long,
		Example: "  weir release " + s.verb + " reviews -n bookinfo\n  weir release " + s.verb + " reviews-v2 -n bookinfo",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			release, said, err := edit(command.Context(), c, client.ObjectKey{Namespace: namespace, Name: args[0]}, s.change)
			if err != nil {
				return err
			}
			return show(command.OutOrStdout(), format, release, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "release %s: %s\n", release.Name, said)
				return err
			})
		},
	}
	addFormatFlag(command, &format)
	return command
}

// edit changes the release of the key's name, or the newest of the component of that name.
func edit(
	ctx context.Context, c client.Client, key client.ObjectKey, change func(*api.Release) (string, error),
) (release *api.Release, said string, err error) {
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if release, err = findRelease(ctx, c, key.Namespace, key.Name); err != nil {
			return err
		}
		if said, err = change(release); err != nil {
			return fmt.Errorf("release %s: %w", release.Name, err)
		}
		return c.Update(ctx, release)
	})
	return release, said, err
}

// underWay refuses a release that has ended.
func underWay(r *api.Release) error {
	if r.Status.Phase.Finished() {
		return fmt.Errorf("it has ended: %s; change the component to begin another, or see: weir release retry, weir release undo",
			r.Status.Message)
	}
	return nil
}

// ongoing makes a change of the commands of a release that has not ended.
func ongoing(said string, change func(*api.ReleaseSpec)) func(*api.Release) (string, error) {
	return func(r *api.Release) (string, error) {
		if err := underWay(r); err != nil {
			return "", err
		}
		change(&r.Spec)
		return said, nil
	}
}

func newReleasePauseCommand(where *target) *cobra.Command {
	return steer{
		verb: "pause", short: "Stop a release where it is; the weights stay",
		long:   "Stop a release where it is. The weights stay, and what callers get is still watched: a version that fails goes back.",
		change: ongoing("paused; the weights stay", func(s *api.ReleaseSpec) { s.Paused = true }),
	}.command(where)
}

func newReleaseResumeCommand(where *target) *cobra.Command {
	return steer{
		verb: "resume", short: "Let a paused release go on",
		long:   "Let a paused release go on from where it is.",
		change: ongoing("goes on", func(s *api.ReleaseSpec) { s.Paused = false }),
	}.command(where)
}

func newReleasePromoteCommand(where *target) *cobra.Command {
	return steer{
		verb: "promote", short: "Skip the remaining steps; pods and callers are still waited for",
		long:   "Give the new version everything, without the remaining steps and proofs. Pods and callers are still waited for.",
		change: ongoing("the remaining steps are skipped", func(s *api.ReleaseSpec) { s.Promote, s.Paused = true, false }),
	}.command(where)
}

func newReleaseAbortCommand(where *target) *cobra.Command {
	return steer{
		verb: "abort", short: "Give all requests back to the old version",
		long:   "Give all requests back to the old version. This cannot be taken back, but tried again: weir release retry.",
		change: ongoing("all requests go back to the old version", func(s *api.ReleaseSpec) { s.Abort = true }),
	}.command(where)
}

func newReleaseSkipCommand(where *target) *cobra.Command {
	return steer{
		verb: "skip", short: "End the present step at once, without its time and proof",
		long:   "End the present step at once, without its time and proof. The steps after it are taken as planned.",
		change: skipStep,
	}.command(where)
}

func skipStep(r *api.Release) (string, error) {
	if err := underWay(r); err != nil {
		return "", err
	}
	if r.Status.Phase != api.ReleaseShifting && r.Status.Phase != api.ReleaseObserving {
		return "", fmt.Errorf("there is no step to skip: %s", r.Status.Message)
	}
	r.Spec.Skip = r.Status.Step
	return fmt.Sprintf("step %d ends once every caller serves it", r.Status.Step), nil
}

func newReleaseRetryCommand(where *target) *cobra.Command {
	return steer{
		verb: "retry", short: "Try a release again that went back",
		long:   "Try a release again that went back, from its first step, with the same versions.",
		change: tryAgain,
	}.command(where)
}

func tryAgain(r *api.Release) (string, error) {
	if r.Status.Phase != api.ReleaseRolledBack {
		return "", fmt.Errorf("only what went back can be tried again; this one is %s: %s", phaseWord(*r), r.Status.Message)
	}
	r.Spec.Retry = true
	return r.Spec.To + " is tried again", nil
}
