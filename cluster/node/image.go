// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Load imports all images of a docker or OCI archive into the store that pods get theirs from.
func (n Node) Load(ctx context.Context, archive string) error {
	return n.load(ctx, n.Socket(), archive)
}

func (n Node) load(ctx context.Context, socket, archive string) error {
	command := exec.CommandContext(ctx, n.Binary("ctr"), "--address="+socket, "--namespace=k8s.io",
		"images", "import", "--snapshotter=overlayfs", archive)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("import %s: %w: %s", archive, err, strings.TrimSpace(string(output)))
	}
	return nil
}
