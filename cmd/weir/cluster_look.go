// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"weir.dev/weir/cluster"
)

func newClusterKubeconfigCommand(ref *cluster.Ref) *cobra.Command {
	var path string
	command := &cobra.Command{
		Use:     "kubeconfig",
		Short:   "Print the kubeconfig of the cluster's administrator",
		Example: "  weir cluster kubeconfig --write ~/.kube/weir",
		RunE: func(command *cobra.Command, _ []string) error {
			info, err := cluster.Find(*ref)
			if err != nil {
				return err
			}
			content, err := os.ReadFile(info.Kubeconfig)
			if err != nil {
				return err
			}
			if path != "" {
				return os.WriteFile(path, content, 0o600)
			}
			_, err = command.OutOrStdout().Write(content)
			return err
		},
	}
	command.Flags().StringVar(&path, "write", "", "write it to this file instead")
	return command
}

func newClusterLogsCommand(ref *cluster.Ref) *cobra.Command {
	var lines int
	command := &cobra.Command{
		Use:     "logs PART",
		Short:   "Print the log of a part that status names",
		Example: "  weir cluster logs istiod\n  weir cluster logs kubelet --tail 50",
		RunE: func(command *cobra.Command, args []string) error {
			text, err := cluster.Logs(command.Context(), *ref, args[0], lines)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(command.OutOrStdout(), text)
			return err
		},
	}
	command.Flags().IntVar(&lines, "tail", 0, "print only so many lines from the end")
	return command
}
