// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	"weir.dev/weir/cluster/node"
	"weir.dev/weir/cluster/part"
	"weir.dev/weir/cluster/process"
)

// LoadImage imports the images of a docker or OCI archive, so that pods can use them without a registry if their
// imagePullPolicy is IfNotPresent or Never.
func LoadImage(ctx context.Context, ref Ref, archive string) error {
	dir, err := ref.dir()
	if err != nil {
		return err
	}
	if err := mustBeRoot(); err != nil {
		return err
	}
	config, err := dir.Load()
	if err != nil {
		return fmt.Errorf("%w: %s", ErrNotFound, ref.name())
	}
	if _, running := process.Find(dir.Run(), "containerd"); !running {
		return fmt.Errorf("cluster %s does not run: start it with weir cluster up --name %s", config.Name, config.Name)
	}
	if archive, err = filepath.Abs(archive); err != nil {
		return err
	}
	e, err := ref.enclave(dir)
	if err != nil {
		return err
	}
	set := part.Set{Dir: config.Parts}
	return node.Node{Binary: set.Binary, Dir: dir.Node(), Place: e}.Load(ctx, archive)
}
