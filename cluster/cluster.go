// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a real single-node Kubernetes with Istio on one machine, without containers or a cloud around
// it, in kernel namespaces of its own. It knows nothing of the product that runs in it.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"weir.dev/weir/cluster/enclave"
	"weir.dev/weir/cluster/network"
	"weir.dev/weir/cluster/node"
	"weir.dev/weir/cluster/part"
	"weir.dev/weir/cluster/state"
)

// Name and ports of the cluster of a user who names none.
const (
	DefaultName           = "default"
	DefaultAPIPort        = 16443
	DefaultGatewayPort    = 18080
	DefaultPrometheusPort = 19090
)

// Automatic as a port means: the one the cluster had before; else the default one for the default cluster, and a free
// one for any other.
const Automatic = -1

// Ref names a cluster and the folder that holds the state of all clusters.
type Ref struct {
	// Name is DefaultName if empty.
	Name string
	// Root is state.DefaultRoot if empty.
	Root string
}

// Info tells how to reach a cluster.
type Info struct {
	Name string `json:"name"`
	// Kubeconfig is the path of a file with an administrator's credentials.
	Kubeconfig string `json:"kubeconfig"`
	// Kubectl is the path of a kubectl that fits the cluster.
	Kubectl string `json:"kubectl"`
	// APIAddress is the URL of the API server, GatewayURL that of the ingress gateway's HTTP port, PrometheusURL that
	// of Prometheus, all on the host's loopback.
	APIAddress    string `json:"apiAddress"`
	GatewayURL    string `json:"gatewayURL"`
	PrometheusURL string `json:"prometheusURL"`
	// StateDir holds everything that the cluster has on disk.
	StateDir string `json:"stateDir"`
}

// ErrNotFound says that there is no cluster of that name.
var ErrNotFound = errors.New("no such cluster")

// Find returns how to reach a cluster that up has completed once, whether it runs or not. The error wraps ErrNotFound
// if there is none.
func Find(ref Ref) (Info, error) {
	dir, err := ref.dir()
	if err != nil {
		return Info{}, err
	}
	config, err := dir.Load()
	if errors.Is(err, fs.ErrNotExist) || (err == nil && !config.Complete) {
		return Info{}, fmt.Errorf("%w: %s; make it with: weir cluster up --name %s", ErrNotFound, ref.name(), ref.name())
	}
	if err != nil {
		return Info{}, err
	}
	return info(dir, config), nil
}

func info(dir state.Dir, config state.Config) Info {
	at := func(scheme string, port int) string {
		return (&url.URL{Scheme: scheme, Host: network.Local(port)}).String()
	}
	return Info{
		Name:          config.Name,
		Kubeconfig:    dir.Kubeconfig(),
		Kubectl:       part.Set{Dir: config.Parts}.Binary("kubectl"),
		APIAddress:    at("https", config.APIPort),
		GatewayURL:    at("http", config.GatewayPort),
		PrometheusURL: at("http", config.PrometheusPort),
		StateDir:      string(dir),
	}
}

func (r Ref) name() string {
	if r.Name == "" {
		return DefaultName
	}
	return r.Name
}

func (r Ref) dir() (state.Dir, error) {
	root := r.Root
	if root == "" {
		root = state.DefaultRoot
	}
	return state.Of(root, r.name())
}

func (r Ref) enclave(dir state.Dir) (*enclave.Enclave, error) {
	return enclave.New(r.name(), dir.Namespace())
}

// Down ends a cluster and removes everything of it. It succeeds if there is nothing, and goes on where an earlier
// command was broken off.
func Down(_ context.Context, ref Ref) error {
	dir, err := ref.dir()
	if err != nil {
		return err
	}
	if err := mustBeRoot(); err != nil {
		return err
	}
	unlock, err := dir.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	e, err := ref.enclave(dir)
	if err != nil {
		return err
	}
	if err := e.Destroy(); err != nil {
		return err
	}
	// Mount points for the private folders; another cluster would lose its mounts with them.
	if !enclave.Any() {
		for point := range (node.Node{}).Private() {
			_ = os.Remove(point) // ours only if it is empty
		}
	}
	return dir.Remove()
}
