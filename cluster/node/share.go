// SPDX-License-Identifier: Apache-2.0

package node

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// shareTree makes a copy of a containerd root in which the content of images is shared by hard links: nobody writes to
// blobs and to the layers of an image, containers have a layer of their own. Databases are copied, and so is
// everything on another file system.
func shareTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return shareEntry(path, filepath.Join(to, relative), info)
	})
}

func shareEntry(from, to string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		return takeOwner(to, info)
	case info.Mode()&fs.ModeSocket != 0:
		return nil
	case !isDatabase(from):
		if err := unix.Link(from, to); err == nil {
			return nil
		}
	}
	return copyEntry(from, to, info)
}

func isDatabase(path string) bool { return strings.HasSuffix(path, ".db") }

func copyEntry(from, to string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return err
	}
	if err := target.Close(); err != nil {
		return err
	}
	return takeOwner(to, info)
}

func takeOwner(path string, info fs.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := os.Chown(path, int(stat.Uid), int(stat.Gid)); err != nil {
			return err
		}
	}
	return os.Chmod(path, info.Mode())
}
