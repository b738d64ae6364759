// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/state"
	"weir.dev/weir/internal/install"
)

// usualLocal is the local cluster that is meant where none is named.
func usualLocal() cluster.Ref {
	return cluster.Ref{Name: envOr("WEIR_CLUSTER", cluster.DefaultName), Root: envOr("WEIR_STATE_DIR", state.DefaultRoot)}
}

// findLocal returns the local cluster that an install speaks to, or nil if it is another one. Where no kubeconfig names
// a cluster, options get the kubeconfig of the local one.
func findLocal(options *install.Options) (*cluster.Ref, error) {
	usual := usualLocal()
	address, err := install.Address(*options)
	if errors.Is(err, install.ErrNoCluster) {
		info, missing := cluster.Find(usual)
		if missing != nil {
			return nil, err // says both ways out
		}
		options.Kubeconfig = info.Kubeconfig
		return &usual, nil
	}
	if err != nil {
		return nil, err
	}
	names, err := state.Names(usual.Root)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		ref := cluster.Ref{Name: name, Root: usual.Root}
		if info, err := cluster.Find(ref); err == nil && info.APIAddress == address {
			return &ref, nil
		}
	}
	return nil, nil // not being local is no error
}

// bringImage loads the image of this binary into a local cluster and sets it. One node has use for one controller.
func bringImage(ctx context.Context, ref cluster.Ref, options *install.Options) error {
	begin := time.Now()
	scratch, err := os.MkdirTemp("", "weir-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	archive := filepath.Join(scratch, "weir.tar")
	if options.Image, err = buildImage(archive); err != nil {
		return err
	}
	if err := cluster.LoadImage(ctx, ref, archive); err != nil {
		return fmt.Errorf("load the image into the local cluster: %w", err)
	}
	options.Set = append([]string{"replicas=1"}, options.Set...)
	fmt.Fprintf(options.Out, "  ✓ %-34s %6.2fs  %s\n", "image of weir", time.Since(begin).Seconds(), options.Image)
	return nil
}
