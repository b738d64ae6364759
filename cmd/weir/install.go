// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"weir.dev/weir/internal/install"
)

func newInstallCommand() *cobra.Command {
	var options install.Options
	var dryRun bool
	command := &cobra.Command{
		Use:   "install",
		Short: "Install or upgrade Weir in a cluster that has Istio",
		Long: "Installs Weir, or upgrades the one that is there; settings of an earlier install stay unless they are set anew.\n\n" +
			"Without any kubeconfig the local cluster of `weir cluster up` is meant. A local cluster gets the image of this very\n" +
			"binary. For any other, push the image that `weir image build` makes, and name it with --image.",
		Example: "  weir install --image registry.example/weir:1.0\n" +
			"  weir install --set replicas=1 --set prometheus.url=http://prometheus.monitoring:9090\n" +
			"  weir install --dry-run | less",
		RunE: func(command *cobra.Command, _ []string) error {
			if dryRun {
				manifests, err := install.Render(options)
				fmt.Fprint(command.OutOrStdout(), manifests)
				return err
			}
			options.Out = command.OutOrStdout()
			local, err := findLocal(&options)
			if err != nil {
				return err
			}
			if local != nil && options.Image == "" {
				if err := bringImage(command.Context(), *local, &options); err != nil {
					return err
				}
			}
			return install.Install(command.Context(), options)
		},
	}
	flags := command.Flags()
	addTargetFlags(flags, &options)
	flags.StringVar(&options.Image, "image", "", "image of weir with its tag (default: the one installed, else the chart's)")
	flags.StringArrayVar(&options.Set, "set", nil, "set a value of the chart, as key=value; may be given again")
	flags.BoolVar(&options.Wait, "wait", true, "wait until the controllers are ready")
	flags.BoolVar(&dryRun, "dry-run", false, "print what would be applied, as YAML, and do nothing")
	return command
}

// addTargetFlags adds the flags that say which cluster is meant.
func addTargetFlags(flags *pflag.FlagSet, options *install.Options) {
	flags.StringVar(&options.Kubeconfig, "kubeconfig", "", kubeconfigUsage)
	flags.StringVar(&options.Context, "context", "", "context of the kubeconfig (default: its current one)")
	flags.StringVarP(&options.Namespace, "namespace", "n", install.Namespace, "namespace that Weir runs in")
	flags.DurationVar(&options.Timeout, "timeout", 2*time.Minute, "how long all of it may take")
}
