// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"strings"

	"weir.dev/weir/cluster/process"
)

// Load imports all images of a docker or OCI archive into the store that pods get theirs from. The importing program
// unpacks by itself, which takes a third of the time of sending all to containerd, and mounts while it does, so it runs
// where the node does.
func (n Node) Load(ctx context.Context, archive string) error {
	output, err := process.Run(ctx, n.spec("ctr", []string{systemPath}, "--address="+n.Socket(), "--namespace=k8s.io",
		"images", "import", "--local", "--snapshotter=overlayfs", archive))
	if err != nil {
		return fmt.Errorf("import %s: %w: %s", archive, err, strings.TrimSpace(output))
	}
	return nil
}
