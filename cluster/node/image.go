// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Import loads a docker archive unless the image of that name was loaded from the same archive before.
func (n Node) Import(ctx context.Context, archive, image string) error {
	info, err := os.Stat(archive)
	if err != nil {
		return fmt.Errorf("image %s: %w", image, err)
	}
	mark := n.path(filepath.Join("loaded", strings.NewReplacer("/", "_", ":", "_").Replace(image)))
	state := fmt.Sprint(archive, info.Size(), info.ModTime().UnixNano())
	if before, err := os.ReadFile(mark); err == nil && string(before) == state {
		return nil
	}
	if err := n.Load(ctx, archive); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(mark), 0o755); err != nil {
		return err
	}
	return os.WriteFile(mark, []byte(state), 0o644)
}

// Load imports all images of a docker or OCI archive into the store that pods get theirs from.
func (n Node) Load(ctx context.Context, archive string) error {
	command := exec.CommandContext(ctx, n.Binary("ctr"), "--address="+n.Socket(), "--namespace=k8s.io",
		"images", "import", "--snapshotter=overlayfs", archive)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("import %s: %w: %s", archive, err, strings.TrimSpace(string(output)))
	}
	return nil
}
