// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

func addFormatFlag(command *cobra.Command, format *string) {
	command.Flags().StringVarP(format, "output", "o", "", "json or yaml (default: for people)")
}

// show writes a value in the format asked for, or by table.
func show(w io.Writer, format string, value any, table func(io.Writer) error) error {
	switch format {
	case "":
		return table(w)
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	case "yaml":
		text, err := yaml.Marshal(value)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	default:
		return fmt.Errorf("--output %s: use json or yaml", format)
	}
}

// columns aligns cells that are parted by tabs.
func columns(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 3, ' ', 0) }
