// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

func newAppCommand() *cobra.Command {
	where := &target{}
	command := &cobra.Command{
		Use:     "app",
		Aliases: []string{"application", "applications", "apps"},
		Short:   "See what applications are made of and how they are, begin and delete them",
		Long: "See what applications are made of and how they are, begin and delete them. Whatever changes an application is an edit of\n" +
			"its Application object, so kubectl apply does as well.",
	}
	where.addFlags(command.PersistentFlags())
	command.AddCommand(
		newAppListCommand(where),
		newAppGetCommand(where),
		newAppDescribeCommand(where),
		newAppRenderCommand(where),
		newAppDiffCommand(where),
		newAppDeleteCommand(where),
		newAppInitCommand(where),
		newAppAdoptCommand(where),
	)
	return command
}
