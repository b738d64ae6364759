// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

func addFormatFlag(command *cobra.Command, format *string) {
	command.Flags().StringVarP(format, "output", "o", "", "json or yaml (default: for people)")
}

// checkFormat refuses a format that show does not know, before a command begins that takes long.
func checkFormat(format string) error {
	if !slices.Contains([]string{"", "json", "yaml"}, format) {
		return fmt.Errorf("--output %s: use json or yaml", format)
	}
	return nil
}

// show writes a value in the format asked for, or by table.
func show(w io.Writer, format string, value any, table func(io.Writer) error) error {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice && v.IsNil() {
		value = []any{} // a list of nothing is a list
	}
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
		return checkFormat(format)
	}
}

// columns aligns cells that are parted by tabs.
func columns(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 3, ' ', 0) }
