// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"

	"github.com/spf13/cobra"
)

func newReleaseGetCommand(where *target) *cobra.Command {
	var format string
	var evidence bool
	command := &cobra.Command{
		Use:   "get NAME",
		Short: "Show one release: where it stands, and what every step proved",
		Example: "  weir release get reviews -n bookinfo\n  weir release get reviews-v2 --evidence -n bookinfo\n" +
			"  weir release get reviews-v2 -n bookinfo -o yaml",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			release, err := findRelease(command.Context(), c, namespace, args[0])
			if err != nil {
				return err
			}
			return show(command.OutOrStdout(), format, release, func(w io.Writer) error { return releaseDetail(w, release, evidence) })
		},
	}
	command.Flags().BoolVar(&evidence, "evidence", false, "show what every verdict is based on: values, bounds and queries")
	addFormatFlag(command, &format)
	return command
}
