// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/state"
	"weir.dev/weir/internal/demo"
)

func newDemoCommand() *cobra.Command {
	var options demo.Options
	var format string
	command := &cobra.Command{
		Use:   "demo",
		Short: "Show a release under load: local cluster, Weir, Bookinfo, a new version of reviews",
		Long: "Makes the local cluster if it is not there, installs Weir, runs Bookinfo and a load on it, and releases a new version\n" +
			"of reviews in a few short steps. The application is left running; run it again for the next version.",
		Example: "  weir demo\n  weir demo --bad\n  weir demo -o json",
		RunE: func(command *cobra.Command, _ []string) error {
			return runDemo(command, options, format)
		},
	}
	flags := command.Flags()
	addRefFlags(flags, &options.Cluster.Ref)
	addUpFlags(flags, &options.Cluster)
	flags.StringVarP(&options.Namespace, "namespace", "n", "bookinfo", "namespace that Bookinfo runs in")
	flags.BoolVar(&options.Bad, "bad", false, "release a version of which 5 % of the answers are errors")
	flags.Float64Var(&options.Rate, "rate", 100, "requests per second")
	flags.StringVar(&options.Bookinfo, "bookinfo", "", "the bookinfo program (default: beside weir)")
	addFormatFlag(command, &format)
	return command
}

func runDemo(command *cobra.Command, options demo.Options, format string) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	if options.Bookinfo == "" {
		executable, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the running binary: %w", err)
		}
		options.Bookinfo = filepath.Join(filepath.Dir(executable), "bookinfo")
	}
	options.Image = buildImage
	// With -o the standard output belongs to the object.
	out := os.Stdout
	if format != "" {
		out = os.Stderr
	}
	options.Out, options.Live = out, term.IsTerminal(int(out.Fd()))
	result, err := demo.Run(command.Context(), options)
	if err != nil {
		return err
	}
	if err := show(command.OutOrStdout(), format, result, result.Table); err != nil {
		return err
	}
	if err := furtherLooks(out, options); err != nil {
		return err
	}
	return result.Unexpected(options.Bad)
}

// furtherLooks tells how to go on from here.
func furtherLooks(out *os.File, options demo.Options) error {
	info, err := cluster.Find(options.Cluster.Ref)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, `
Bookinfo runs at %[1]s/productpage. To look further:
%[2]s  kubectl -n %[3]s get applications,strategies,releases
  weir demo --bad%[4]s          a version with errors, and the way back
  weir cluster down%[4]s        remove all of it
`, info.GatewayURL, shellLines(info), options.Namespace, which(options.Cluster.Ref))
	return err
}

// which repeats the flags that name the cluster, where they are not the usual ones.
func which(ref cluster.Ref) string {
	var flags string
	if ref.Name != cluster.DefaultName {
		flags += " --name " + ref.Name
	}
	if ref.Root != state.DefaultRoot {
		flags += " --state-dir " + ref.Root
	}
	return flags
}
