// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/state"
	"weir.dev/weir/cluster/step"
)

// newClusterCommand is the cluster on this machine, for those who have no other at hand.
func newClusterCommand() *cobra.Command {
	ref := &cluster.Ref{}
	command := &cobra.Command{
		Use:   "cluster",
		Short: "Run a real single-node Kubernetes with Istio on this machine",
		Long: `Run a real single-node Kubernetes with Istio on this machine: API server, etcd, kubelet, containerd, CoreDNS,
istiod, an ingress gateway and Prometheus. No Docker is needed, and the host's network stays as it is: the cluster
has network and mount namespaces of its own, and is reached on ports of the loopback interface.`,
	}
	addRefFlags(command.PersistentFlags(), ref)
	command.AddCommand(
		newClusterUpCommand(ref),
		newClusterDownCommand(ref),
		newClusterStatusCommand(ref),
		newClusterKubeconfigCommand(ref),
		newClusterLoadImageCommand(ref),
		newClusterLogsCommand(ref),
		newClusterForwardCommand(ref),
	)
	return command
}

// addRefFlags adds the flags that say which cluster is meant.
func addRefFlags(flags *pflag.FlagSet, ref *cluster.Ref) {
	flags.StringVar(&ref.Name, "name", envOr("WEIR_CLUSTER", cluster.DefaultName), "which cluster, if you run several")
	flags.StringVar(&ref.Root, "state-dir", envOr("WEIR_STATE_DIR", state.DefaultRoot), "folder of all clusters' state")
}

func envOr(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func newClusterUpCommand(ref *cluster.Ref) *cobra.Command {
	options := cluster.Options{}
	command := &cobra.Command{
		Use:   "up",
		Short: "Start the cluster, or continue or repair one",
		Long: `Start the cluster, or continue or repair one. The first time this builds the parts from pinned sources, which takes
a quarter of an hour on two cores, and installs the Debian packages runc, containernetworking-plugins, iptables,
conntrack and iproute2 where they are missing. After that it takes seconds.`,
		Example: "  weir cluster up\n  weir cluster up --name second --gateway-port 9080",
		RunE: func(command *cobra.Command, _ []string) error {
			options.Ref = *ref
			return runClusterUp(command, options)
		},
	}
	addUpFlags(command.Flags(), &options)
	return command
}

// addUpFlags adds the flags that say what cluster is wanted.
func addUpFlags(flags *pflag.FlagSet, options *cluster.Options) {
	flags.IntVar(&options.APIPort, "api-port", cluster.Automatic,
		fmt.Sprintf("loopback port of the API server; 0 for a free one (default cluster: %d)", cluster.DefaultAPIPort))
	flags.IntVar(&options.GatewayPort, "gateway-port", cluster.Automatic,
		fmt.Sprintf("loopback port of the ingress gateway; 0 for a free one (default cluster: %d)", cluster.DefaultGatewayPort))
	flags.IntVar(&options.PrometheusPort, "prometheus-port", cluster.Automatic,
		fmt.Sprintf("loopback port of Prometheus; 0 for a free one (default cluster: %d)", cluster.DefaultPrometheusPort))
	for _, name := range []string{"api-port", "gateway-port", "prometheus-port"} {
		flags.Lookup(name).DefValue = "0" // the help text says more than the number that stands for Automatic
	}
	flags.IntVar(&options.IstiodReplicas, "istiod-replicas", 0, "how many istiods run (default 1, or as many as before)")
	flags.StringVar(&options.CacheDir, "cache-dir", "", "folder of the built parts (default the user's cache folder)")
	flags.StringVar(&options.PartsDir, "parts", os.Getenv("WEIR_PARTS"), "folder of ready parts to use as it is")
}

func runClusterUp(command *cobra.Command, options cluster.Options) error {
	display := step.NewDisplay(command.ErrOrStderr(), isTerminal(command.ErrOrStderr()))
	options.Watcher = display
	info, err := cluster.Up(command.Context(), options)
	display.Close()
	if _, failed := errors.AsType[*step.Error](err); failed {
		return fmt.Errorf("%w\nwhat is done stays done: weir cluster up goes on from there, weir cluster down removes it", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(command.OutOrStdout(), `Cluster %s is ready.
%s  gateway     %s
  prometheus  %s
`, info.Name, shellLines(info), info.GatewayURL, info.PrometheusURL)
	return err
}

// shellLines are what a shell is told so that kubectl speaks to the cluster. Where none is installed, the cluster has one.
func shellLines(info cluster.Info) string {
	lines := "  export KUBECONFIG=" + info.Kubeconfig + "\n"
	if _, err := exec.LookPath("kubectl"); err != nil {
		lines += "  export PATH=$PATH:" + filepath.Dir(info.Kubectl) + "\n"
	}
	return lines
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func newClusterDownCommand(ref *cluster.Ref) *cobra.Command {
	return &cobra.Command{
		Use:     "down",
		Short:   "End the cluster and remove all of it",
		Example: "  weir cluster down\n  weir cluster down --name second",
		RunE: func(command *cobra.Command, _ []string) error {
			return cluster.Down(command.Context(), *ref)
		},
	}
}

func newClusterForwardCommand(ref *cluster.Ref) *cobra.Command {
	return &cobra.Command{
		Use:    "forward FROM=TO…",
		Short:  "Carry connections between loopback and the cluster",
		Hidden: true,
		RunE: func(command *cobra.Command, routes []string) error {
			return cluster.Forward(command.Context(), *ref, routes)
		},
	}
}

func newClusterLoadImageCommand(ref *cluster.Ref) *cobra.Command {
	return &cobra.Command{
		Use:     "load-image FILE.tar…",
		Short:   "Load images from docker or OCI archives",
		Example: "  weir cluster load-image front.tar",
		RunE: func(command *cobra.Command, archives []string) error {
			for _, archive := range archives {
				if err := cluster.LoadImage(command.Context(), *ref, archive); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
