// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"weir.dev/weir/cluster"
)

func newClusterStatusCommand(ref *cluster.Ref) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:     "status",
		Short:   "Show what runs of the cluster, and how well",
		Example: "  weir cluster status\n  weir cluster status -o json",
		RunE: func(command *cobra.Command, _ []string) error {
			status, err := cluster.GetStatus(command.Context(), *ref)
			if err != nil {
				return err
			}
			return show(command.OutOrStdout(), format, status, func(w io.Writer) error { return clusterTable(w, status) })
		},
	}
	addFormatFlag(command, &format)
	return command
}

func clusterTable(out io.Writer, status cluster.Status) error {
	table := columns(out)
	fmt.Fprintln(table, "PART\tKIND\tVERSION\tPID\tREADY\tMEMORY\tNOTE")
	for _, p := range status.Parts {
		pid := "-"
		if p.PID > 0 {
			pid = fmt.Sprint(p.PID)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			p.Name, p.Kind, p.Version, pid, yesNo(p.Ready), mebibytes(p.MemoryBytes), p.Note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, `
memory      %s for control plane and node, %s with all pods
kubeconfig  %s
API server  %s
gateway     %s
prometheus  %s
state       %s
`, mebibytes(status.NodeBytes), mebibytes(status.MemoryBytes), status.Kubeconfig, status.APIAddress,
		status.GatewayURL, status.PrometheusURL, status.StateDir)
	return err
}

func yesNo(value bool) string {
	if value {
		return "yes"
	}
	return "no"
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
