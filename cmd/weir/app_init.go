// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/spf13/cobra"

	"weir.dev/weir/internal/draft"
	"weir.dev/weir/internal/kube"
)

func newAppInitCommand(where *target) *cobra.Command {
	var file string
	var options draft.Options
	command := &cobra.Command{
		Use:   "init",
		Short: "Write a first Application file, from a compose file or from what runs in a namespace",
		Long: "Write a first Application file, from a compose file or from what runs in a namespace. What could not be carried over\n" +
			"stands in remarks at its top. Nothing is written to a cluster; read the file, then weir app diff and kubectl apply it.",
		Example: "  weir app init -f compose.yaml > application.yaml\n" +
			"  weir app init -n shop > application.yaml\n" +
			"  weir app init -n shop --external --only page,stock > application.yaml",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			d, err := firstDraft(command, where, file, options)
			if err != nil {
				return err
			}
			text, err := d.YAML()
			if err != nil {
				return err
			}
			_, err = io.WriteString(command.OutOrStdout(), text)
			return err
		},
	}
	flags := command.Flags()
	flags.StringVarP(&file, "filename", "f", "", "compose file (default: look at the namespace)")
	flags.StringVar(&options.Application, "name", "", "name of the application (default: the compose project's, else the namespace's)")
	flags.BoolVar(&options.External, "external", false, "leave the workloads to whoever made them, and govern the calls to them alone")
	flags.StringSliceVar(&options.Only, "only", nil, "these Services and workloads alone, separated by commas")
	return command
}

func firstDraft(command *cobra.Command, where *target, file string, options draft.Options) (*draft.Draft, error) {
	ctx := command.Context()
	if file != "" {
		found, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithDotEnv, cli.WithResolvedPaths(false))
		if err != nil {
			return nil, fmt.Errorf("--filename %s: %w", file, err)
		}
		project, err := cli.ProjectFromOptions(ctx, found)
		if err != nil {
			return nil, fmt.Errorf("--filename %s: %w", file, err)
		}
		project.Name = cmp.Or(options.Application, project.Name)
		return draft.Compose(project, where.namespace)
	}
	c, namespace, err := where.connect()
	if err != nil {
		return nil, err
	}
	seen, err := kube.ReadNamespace(ctx, c, namespace)
	if err != nil {
		return nil, err
	}
	d, err := draft.Workloads(seen, options)
	if err == nil && len(d.Application.Spec.Components) == 0 {
		return nil, fmt.Errorf("nothing runs in namespace %s that is not part of an application already; name another with -n, or a compose file with -f", namespace)
	}
	return d, err
}
