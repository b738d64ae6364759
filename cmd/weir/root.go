// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

// Groups of commands, in the order that help shows them.
const (
	groupStart   = "start"
	groupUse     = "use"
	groupCluster = "cluster"
	groupInside  = "inside"
)

// newRootCommand seats every command in its group; a command lives in the file of its name.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "weir",
		Short:         "Release new versions of applications on Istio without a failed request",
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddGroup(
		&cobra.Group{ID: groupStart, Title: "Begin here:"},
		&cobra.Group{ID: groupUse, Title: "Look and steer:"},
		&cobra.Group{ID: groupCluster, Title: "A cluster on this machine:"},
		&cobra.Group{ID: groupInside, Title: "Run inside a cluster by weir install:"},
	)
	seat(root, groupStart, newDemoCommand(), newInstallCommand(), newUninstallCommand())
	seat(root, groupUse, newAppCommand(), newReleaseCommand(), newCheckCommand(), newLoadCommand())
	seat(root, groupCluster, newClusterCommand(), newImageCommand())
	seat(root, groupInside, newControllerCommand())
	holdToUse(root)
	return root
}

// seat adds commands to a group of root.
func seat(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, command := range commands {
		command.GroupID = group
		root.AddCommand(command)
	}
}
