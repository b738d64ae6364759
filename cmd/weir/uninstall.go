// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"weir.dev/weir/internal/install"
)

func newUninstallCommand() *cobra.Command {
	var options install.Options
	var purge, yes bool
	command := &cobra.Command{
		Use:   "uninstall",
		Short: "Take Weir out of a cluster; the applications go on running",
		Long: "Takes the controllers out of the cluster. Applications, strategies and releases stay, as do the workloads and\n" +
			"routes made from them, and a later install picks them up again.\n\n" +
			"With --purge those are deleted as well: it lists them first, and deletes them when --yes is given too.",
		Example: "  weir uninstall\n  weir uninstall --purge\n  weir uninstall --purge --yes",
		RunE: func(command *cobra.Command, _ []string) error {
			options.Out = command.OutOrStdout()
			if _, err := findLocal(&options); err != nil {
				return err
			}
			if purge && !yes {
				return tellPurge(command, options)
			}
			return install.Uninstall(command.Context(), options, purge)
		},
	}
	addTargetFlags(command.Flags(), &options)
	command.Flags().BoolVar(&purge, "purge", false, "delete every Application, Strategy and Release too, with all that was made from them")
	command.Flags().BoolVar(&yes, "yes", false, "with --purge: do it")
	return command
}

// tellPurge lists what --purge would delete.
func tellPurge(command *cobra.Command, options install.Options) error {
	found, err := install.Purgeable(command.Context(), options)
	if err != nil {
		return err
	}
	out := command.OutOrStdout()
	fmt.Fprintln(out, "This would be deleted, with the workloads, services and routes made from it:")
	for _, object := range found {
		fmt.Fprintln(out, " ", object)
	}
	fmt.Fprintln(out, "  the custom resource definitions of weir.dev")
	fmt.Fprintln(out, "  namespace", options.Namespace)
	return fmt.Errorf("nothing was deleted; add --yes to do it")
}
