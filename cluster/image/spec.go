// SPDX-License-Identifier: Apache-2.0

// Package image makes container images out of files, without a registry, a daemon or a base image. An image has one
// uncompressed layer, because a node imports that faster than a small one, and the same spec gives the same bytes.
package image

import "io/fs"

// Spec says what an image holds and how a container of it starts.
type Spec struct {
	// Tag is the full name, such as weir.local/pause:1.
	Tag string
	// Entrypoint is the command line that every container runs; a pod's args are appended to it.
	Entrypoint []string
	// Env are KEY=VALUE pairs. Empty means no environment but what the container runtime adds.
	Env []string
	// User is a numeric uid or uid:gid. Empty means root; a pod with runAsNonRoot needs a number here.
	User string
	// WorkDir is where the entrypoint starts. Empty means /.
	WorkDir string
	// Files are the content; a later file replaces an earlier one at the same path. Parent folders come by themselves.
	Files []File
}

// File is one entry of an image: a copy of Source, the bytes of Data, a link, or a folder.
type File struct {
	// Path is absolute inside the image.
	Path string
	// Source is a file or a folder on this machine. Links are followed; a folder is copied with all that is in it.
	Source string
	// Data is the content if there is no Source.
	Data []byte
	// Link is the target of a symbolic link. It wins over Source and Data.
	Link string
	// Mode holds the permission bits, and fs.ModeDir for a folder. Zero means 0644 for Data, 0755 for a folder, and
	// the mode of the source for a copy.
	Mode fs.FileMode
	// UID and GID own the entry. Zero is root.
	UID, GID int
}
