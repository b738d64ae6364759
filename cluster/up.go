// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"weir.dev/weir/cluster/controlplane"
	"weir.dev/weir/cluster/enclave"
	"weir.dev/weir/cluster/manifest"
	"weir.dev/weir/cluster/network"
	"weir.dev/weir/cluster/node"
	"weir.dev/weir/cluster/part"
	"weir.dev/weir/cluster/state"
	"weir.dev/weir/cluster/step"
)

// Options say what cluster is wanted.
type Options struct {
	Ref
	// APIPort, GatewayPort and PrometheusPort are ports of the host's loopback; 0 means any free one, Automatic the
	// usual one.
	APIPort, GatewayPort, PrometheusPort int
	// IstiodReplicas is how many istiods run; 0 means as many as before, or else 1.
	IstiodReplicas int
	// CacheDir is the folder of the parts; empty means the user's cache folder.
	CacheDir string
	// PartsDir is a folder of ready parts that is taken as it is; empty means to make them in the cache.
	PartsDir string
	// Self is the path of the weir executable, which carries the connections; empty means the running one.
	Self string
	// Watcher is told of the steps; nil means nobody is.
	Watcher step.Watcher
}

// Up makes a cluster, continues one that was broken off, or repairs one of which something has died. What is healthy
// stays untouched. It returns once the mesh, its gateway and Prometheus answer.
func Up(ctx context.Context, options Options) (Info, error) {
	if err := mustBeRoot(); err != nil {
		return Info{}, err
	}
	dir, err := options.dir()
	if err != nil {
		return Info{}, err
	}
	unlock, err := dir.Lock()
	if err != nil {
		return Info{}, err
	}
	defer unlock()
	b, err := newBuilder(options, dir)
	if err != nil {
		return Info{}, err
	}
	if options.Watcher == nil {
		options.Watcher = silent{}
	}
	if err := step.Run(ctx, b.steps(), options.Watcher); err != nil {
		return Info{}, err
	}
	b.config.Complete = true
	return info(dir, b.config), dir.Save(b.config)
}

// builder carries what the steps of one up share. Fields below the line are set by one step and read by those that
// need it.
type builder struct {
	options Options
	dir     state.Dir
	config  state.Config
	enclave *enclave.Enclave
	dial    network.Dial

	parts  part.Set
	client *manifest.Client
	charts struct{ definitions, istiod, gateway []*manifest.Object }
}

func newBuilder(options Options, dir state.Dir) (*builder, error) {
	config, err := dir.Load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	config.Name = options.name()
	if options.IstiodReplicas > 0 {
		config.IstiodReplicas = options.IstiodReplicas
	}
	config.IstiodReplicas = max(config.IstiodReplicas, 1)
	e, err := options.enclave(dir)
	if err != nil {
		return nil, err
	}
	if options.Self == "" {
		if options.Self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find the weir executable: %w", err)
		}
	}
	return &builder{options: options, dir: dir, config: config, enclave: e, dial: network.Dialer(e.Inside)}, nil
}

func (b *builder) credential() controlplane.Credential {
	return controlplane.Credential{Dir: b.dir.Credentials()}
}

func (b *builder) plane() controlplane.Plane {
	return controlplane.Plane{
		Binary: b.parts.Binary, Credential: b.credential(), DataDir: b.dir.Plane(), RunDir: b.dir.Run(), Place: b.enclave,
	}
}

func (b *builder) node() node.Node {
	return node.Node{
		Binary: b.parts.Binary, Credential: b.credential(), Dir: b.dir.Node(), RunDir: b.dir.Run(), Place: b.enclave,
		Cgroup: b.enclave.Cgroup(), PauseImage: part.ImageRef("pause"),
	}
}

type silent struct{}

func (silent) Started(string)                     {}
func (silent) Noted(string, string)               {}
func (silent) Ended(string, time.Duration, error) {}
