// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"weir.dev/weir/cluster/process"
)

// Store is a containerd root that holds the images of a set of parts. It is filled once; every cluster then starts
// with a copy that shares the files and has only the small databases for itself.
type Store struct {
	// Dir is the folder of the store. It appears when the store is complete.
	Dir string
	// Archives are the images in it.
	Archives []string
	// Node lends its programs and its place to fill the store.
	Node Node
}

// Furnish gives the node its containerd root, unless it has one.
func (s Store) Furnish(ctx context.Context, note func(string)) error {
	root := s.Node.ContainerdRoot()
	if exists(root) {
		return nil
	}
	if !exists(s.Dir) {
		if err := s.fill(ctx, note); err != nil {
			return err
		}
	}
	note("")
	unfinished := root + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := shareTree(s.Dir, unfinished); err != nil {
		return fmt.Errorf("copy the image store: %w", err)
	}
	return os.Rename(unfinished, root)
}

// fill imports the images with a containerd that runs for this alone, since the databases of a running one can't be
// copied.
func (s Store) fill(ctx context.Context, note func(string)) error {
	filler := s.Node
	filler.Dir = filepath.Join(s.Node.Dir, "store")
	defer os.RemoveAll(filler.Dir)
	if err := filler.WriteConfig(); err != nil {
		return err
	}
	spec := filler.Containerd()
	spec.Name = "containerd-store"
	containerd, _, err := process.Ensure(ctx, spec)
	if err != nil {
		return err
	}
	defer containerd.Stop(context.WithoutCancel(ctx), time.Second) //nolint:errcheck // stopped below unless importing failed
	if err := containerd.Await(ctx, listens(filler.Socket())); err != nil {
		return err
	}
	for _, archive := range s.Archives {
		note("once: " + filepath.Base(archive))
		if err := filler.Load(ctx, archive); err != nil {
			return err
		}
	}
	if err := containerd.Stop(ctx, 10*time.Second); err != nil {
		return err
	}
	return s.keep(filler.ContainerdRoot())
}

// keep moves a filled root into its final place, where another cluster may have put one in the meantime.
func (s Store) keep(root string) error {
	unfinished, err := os.MkdirTemp(filepath.Dir(s.Dir), filepath.Base(s.Dir)+".new")
	if err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	content := filepath.Join(unfinished, "root")
	if err := shareTree(root, content); err != nil {
		return fmt.Errorf("keep the image store: %w", err)
	}
	if err := os.Rename(content, s.Dir); err != nil && !exists(s.Dir) {
		return err
	}
	return nil
}

func listens(socket string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
