// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// epoch stands for every time in an image, so that the same content gives the same bytes.
var epoch = time.Unix(0, 0).UTC()

// layer is an uncompressed layer that is written anew from its files whenever it is read, so it costs no memory.
type layer struct {
	tree tree
	hash v1.Hash
	size int64
}

var _ v1.Layer = (*layer)(nil)

func newLayer(t tree) (*layer, error) {
	sum := sha256.New()
	count := &counter{to: sum}
	if err := t.write(count); err != nil {
		return nil, err
	}
	hash := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
	return &layer{tree: t, hash: hash, size: count.n}, nil
}

func (l *layer) Digest() (v1.Hash, error)            { return l.hash, nil }
func (l *layer) DiffID() (v1.Hash, error)            { return l.hash, nil }
func (l *layer) Size() (int64, error)                { return l.size, nil }
func (l *layer) MediaType() (types.MediaType, error) { return types.DockerUncompressedLayer, nil }
func (l *layer) Compressed() (io.ReadCloser, error)  { return l.Uncompressed() }

func (l *layer) Uncompressed() (io.ReadCloser, error) {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(l.tree.write(writer)) }()
	return reader, nil
}

// write packs the tree as a tar stream.
func (t tree) write(to io.Writer) error {
	archive := tar.NewWriter(to)
	for _, name := range t.paths() {
		if err := writeEntry(archive, name, t[name]); err != nil {
			return fmt.Errorf("pack /%s: %w", name, err)
		}
	}
	return archive.Close()
}

func writeEntry(archive *tar.Writer, name string, file File) error {
	head := &tar.Header{
		Name: name, Mode: permission(file.Mode), Uid: file.UID, Gid: file.GID, ModTime: epoch, Format: tar.FormatPAX,
	}
	if file.Link != "" {
		head.Typeflag, head.Linkname, head.Mode = tar.TypeSymlink, file.Link, 0o777
		return archive.WriteHeader(head)
	}
	if file.Mode.IsDir() {
		head.Typeflag, head.Name = tar.TypeDir, name+"/"
		return archive.WriteHeader(head)
	}
	content, size, err := open(file)
	if err != nil {
		return err
	}
	defer content.Close()
	head.Typeflag, head.Size = tar.TypeReg, size
	if err := archive.WriteHeader(head); err != nil {
		return err
	}
	_, err = io.Copy(archive, content)
	return err
}

func open(file File) (io.ReadCloser, int64, error) {
	if file.Source == "" {
		return io.NopCloser(bytes.NewReader(file.Data)), int64(len(file.Data)), nil
	}
	source, err := os.Open(file.Source)
	if err != nil {
		return nil, 0, err
	}
	info, err := source.Stat()
	if err != nil {
		source.Close()
		return nil, 0, err
	}
	return source, info.Size(), nil
}

// permission turns Go's mode into the bits of a tar header, which keeps setuid, setgid and sticky elsewhere.
func permission(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	for flag, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}
