// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"weir.dev/weir/cluster/enclave"
	"weir.dev/weir/cluster/mesh"
	"weir.dev/weir/cluster/monitoring"
	"weir.dev/weir/cluster/network"
	"weir.dev/weir/cluster/process"
)

const forwarder = "forwarder"

func (b *builder) routes() []network.Route {
	inside := func(port int) string { return net.JoinHostPort(network.NodeIP, strconv.Itoa(port)) }
	return []network.Route{
		{From: network.Local(b.config.APIPort), To: "127.0.0.1:6443"},
		{From: network.Local(b.config.GatewayPort), To: inside(mesh.GatewayNodePort)},
		{From: network.Local(b.config.PrometheusPort), To: inside(monitoring.NodePort)},
	}
}

// startForwarder runs this program again, as the process that carries connections between the host and the cluster.
func (b *builder) startForwarder(ctx context.Context, note func(string)) error {
	args := []string{"cluster", "forward", "--name", b.config.Name, "--state-dir", b.root()}
	for _, route := range b.routes() {
		args = append(args, route.String())
	}
	spec := process.Spec{
		Name: forwarder, Path: b.options.Self, Args: args, Dir: b.dir.Run(), Place: outside{b.enclave},
		Env: []string{"GOMAXPROCS=2"},
	}
	note(fmt.Sprintf("API %d, gateway %d, Prometheus %d", b.config.APIPort, b.config.GatewayPort, b.config.PrometheusPort))
	return b.bring(ctx, spec, connect("tcp", network.Local(b.config.APIPort)))
}

// outside is the place of the forwarder: in the cluster's cgroup, so that it ends with it, but in the host's network.
type outside struct{ enclave *enclave.Enclave }

func (o outside) Enter() (int, error) { return o.enclave.EnterCgroup() }

// Forward carries connections between the host and a cluster until ctx ends. Each route is of the form
// 127.0.0.1:8080=10.44.0.1:30080. It is what the forwarder process of a cluster runs.
func Forward(ctx context.Context, ref Ref, routes []string) error {
	dir, err := ref.dir()
	if err != nil {
		return err
	}
	e, err := ref.enclave(dir)
	if err != nil {
		return err
	}
	if !e.Exists() {
		return fmt.Errorf("cluster %s has no network: run weir cluster up", ref.name())
	}
	var parsed []network.Route
	for _, text := range routes {
		route, err := network.ParseRoute(text)
		if err != nil {
			return err
		}
		parsed = append(parsed, route)
	}
	if len(parsed) == 0 {
		return errors.New("nothing to forward: name at least one route")
	}
	return network.Forward(ctx, parsed, network.Dialer(e.Inside))
}
