// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"weir.dev/weir/cluster"
)

func newClusterStatusCommand(ref *cluster.Ref) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "status",
		Short: "Show what runs of the cluster, and how well",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			status, err := cluster.GetStatus(command.Context(), *ref)
			if err != nil {
				return err
			}
			return printClusterStatus(command.OutOrStdout(), status, format)
		},
	}
	command.Flags().StringVarP(&format, "output", "o", "table", "table, json or yaml")
	return command
}

func printClusterStatus(out io.Writer, status cluster.Status, format string) error {
	switch format {
	case "table":
		return printClusterTable(out, status)
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(status)
	case "yaml":
		content, err := yaml.Marshal(status)
		if err != nil {
			return err
		}
		_, err = out.Write(content)
		return err
	}
	return fmt.Errorf("output %q is unknown: use table, json or yaml", format)
}

func printClusterTable(out io.Writer, status cluster.Status) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
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
