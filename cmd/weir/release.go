// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

func newReleaseCommand() *cobra.Command {
	where := &target{}
	command := &cobra.Command{
		Use:     "release",
		Aliases: []string{"releases", "rel"},
		Short:   "See how releases go, and steer them",
		Long: "See how releases go, and steer them. A release is named by its own name, such as reviews-v2, or by its component,\n" +
			"such as reviews, which means the newest release of it.",
	}
	where.addFlags(command.PersistentFlags())
	command.AddCommand(
		newReleaseListCommand(where),
		newReleaseGetCommand(where),
		newReleaseWatchCommand(where),
		newReleasePlanCommand(where),
		newReleaseExplainCommand(where),
		newReleasePauseCommand(where),
		newReleaseResumeCommand(where),
		newReleasePromoteCommand(where),
		newReleaseSkipCommand(where),
		newReleaseApproveCommand(where),
		newReleaseAbortCommand(where),
		newReleaseRetryCommand(where),
		newReleaseUndoCommand(where),
		newReleaseHistoryCommand(where),
	)
	return command
}
