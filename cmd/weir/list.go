// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// list is a command that lists objects of one kind, of a namespace or of all.
type list[T any] struct {
	use, short, example string
	// none is said when there are none, with words for where it was looked.
	none string
	// read returns them in the order in which they are shown.
	read  func(ctx context.Context, c client.Reader, namespace string, args []string) ([]T, error)
	table func(w io.Writer, items []T, now time.Time, everywhere bool) error
}

func (l list[T]) command(where *target) *cobra.Command {
	var format string
	var everywhere bool
	command := &cobra.Command{
		Use:     l.use,
		Aliases: []string{"ls"},
		Short:   l.short,
		Example: l.example,
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			if everywhere {
				namespace = ""
			}
			items, err := l.read(command.Context(), c, namespace, args)
			if err != nil {
				return err
			}
			if len(items) == 0 {
				if err := missing(command.Context(), c, namespace); err != nil {
					return err
				}
			}
			return show(command.OutOrStdout(), format, items, func(w io.Writer) error {
				if len(items) == 0 {
					_, err := fmt.Fprintf(w, l.none+"\n", whereabouts(namespace))
					return err
				}
				return l.table(w, items, time.Now(), everywhere)
			})
		},
	}
	command.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "of every namespace")
	addFormatFlag(command, &format)
	return command
}
