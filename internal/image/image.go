// SPDX-License-Identifier: Apache-2.0

// Package image reads what container images say of themselves, from archives and folders of this machine or from the
// registry they are in.
package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// patience with a registry, for one image.
const patience = 10 * time.Second

// annotationName of an image in an OCI layout is its reference (image-spec, annotations).
const annotationName = "org.opencontainers.image.ref.name"

// Said is what an image says that matters to who runs it.
type Said struct {
	// Ports of its EXPOSE lines, by number.
	Ports []Port
	// User it runs as, such as 1000:1000 or nobody; empty means root.
	User string
}

// Port is one that the image says it listens on.
type Port struct {
	Number int32
	UDP    bool
}

// Source says where images are looked for.
type Source struct {
	// Local are archives, as docker save writes them, and folders in the OCI layout. They are asked before registries.
	Local []string
	// Offline keeps from asking a registry.
	Offline bool
}

// Read returns what the image says. Registries are asked with the accounts that docker login and podman login have stored.
func (s Source) Read(ctx context.Context, reference string) (Said, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return Said{}, fmt.Errorf("image %s: %w", reference, err)
	}
	for _, path := range s.Local {
		found, err := local(path, ref)
		if err != nil {
			return Said{}, fmt.Errorf("images in %s: %w; name an archive as docker save writes it, or a folder in the OCI layout", path, err)
		}
		if found != nil {
			return read(reference, found)
		}
	}
	if s.Offline {
		return Said{}, fmt.Errorf("image %s: it is not on this machine, and no registry is to be asked", reference)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	if err != nil {
		return Said{}, fmt.Errorf("image %s: %w", reference, err)
	}
	return read(reference, found)
}

func read(reference string, i v1.Image) (Said, error) {
	file, err := i.ConfigFile()
	if err != nil {
		return Said{}, fmt.Errorf("image %s: %w", reference, err)
	}
	out := Said{User: file.Config.User}
	for text := range file.Config.ExposedPorts {
		digits, transport, _ := strings.Cut(text, "/")
		number, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || number == 0 || transport != "" && transport != "tcp" && transport != "udp" {
			continue // no pod can be asked there
		}
		out.Ports = append(out.Ports, Port{Number: int32(number), UDP: transport == "udp"})
	}
	slices.SortFunc(out.Ports, func(a, b Port) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

// local returns the image of that name in an archive or folder; nil when it has none.
func local(path string, ref name.Reference) (v1.Image, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return inLayout(path, ref)
	}
	tag, ok := ref.(name.Tag)
	if !ok {
		return nil, nil // archives know no digests
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil {
		return nil, err
	}
	for _, one := range manifest {
		if slices.ContainsFunc(one.RepoTags, func(t string) bool { return same(t, ref) }) {
			return tarball.ImageFromPath(path, &tag)
		}
	}
	return nil, nil
}

func inLayout(path string, ref name.Reference) (v1.Image, error) {
	folder, err := layout.FromPath(path)
	if err != nil {
		return nil, err
	}
	index, err := folder.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, one := range manifest.Manifests {
		if !same(one.Annotations[annotationName], ref) && one.Digest.String() != ref.Identifier() {
			continue
		}
		if one.MediaType.IsIndex() {
			return ofPlatform(index, one.Digest)
		}
		return folder.Image(one.Digest)
	}
	return nil, nil
}

// ofPlatform is the image for machines like this one; pods may run on others, whose image says the same.
func ofPlatform(index v1.ImageIndex, digest v1.Hash) (v1.Image, error) {
	inner, err := index.ImageIndex(digest)
	if err != nil {
		return nil, err
	}
	manifest, err := inner.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, one := range manifest.Manifests {
		if one.Platform == nil || one.Platform.OS == "linux" && one.Platform.Architecture == runtime.GOARCH {
			return inner.Image(one.Digest)
		}
	}
	return nil, errors.New("it has none for linux on " + runtime.GOARCH)
}

// same tells whether the text is another way to write the reference, such as nginx for docker.io/library/nginx:latest.
func same(text string, ref name.Reference) bool {
	other, err := name.ParseReference(text)
	return err == nil && other.Name() == ref.Name()
}
