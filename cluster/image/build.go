// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Build writes the image as a docker archive, which containerd, Docker and Podman can import. The archive appears at
// out only when it is complete; its folder is made if it is missing.
func Build(spec Spec, out string) error {
	tag, err := name.NewTag(spec.Tag, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("image tag %q: %w (give it as host/name:version)", spec.Tag, err)
	}
	made, err := assemble(spec)
	if err != nil {
		return fmt.Errorf("image %s: %w", spec.Tag, err)
	}
	if err := write(tag, made, out); err != nil {
		return fmt.Errorf("image %s: write %s: %w", spec.Tag, out, err)
	}
	return nil
}

func assemble(spec Spec) (v1.Image, error) {
	content, err := plant(spec.Files)
	if err != nil {
		return nil, err
	}
	packed, err := newLayer(content)
	if err != nil {
		return nil, err
	}
	withLayer, err := mutate.AppendLayers(empty.Image, packed)
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(withLayer, configure(spec, packed.hash))
}

func configure(spec Spec, diff v1.Hash) *v1.ConfigFile {
	return &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      v1.Time{Time: epoch},
		Config: v1.Config{
			Entrypoint: spec.Entrypoint,
			Env:        spec.Env,
			User:       spec.User,
			WorkingDir: spec.WorkDir,
		},
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diff}},
		History: []v1.History{{Created: v1.Time{Time: epoch}, CreatedBy: "weir"}},
	}
}

func write(tag name.Tag, made v1.Image, out string) error {
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	if err := tarball.Write(tag, made, draft); err != nil {
		draft.Close()
		return err
	}
	if err := draft.Close(); err != nil {
		return err
	}
	if err := os.Chmod(draft.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(draft.Name(), out)
}
