// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/image"
)

// versions are the images Bookinfo has; each is the same binary told who it is.
var versions = map[string][]string{
	"productpage": {"v1"},
	"details":     {"v1"},
	"reviews":     {"v1", "v2", "v3"},
	"ratings":     {"v1"},
}

func reference(service, version string) string {
	return "weir.local/bookinfo/" + service + ":" + version
}

func (s *stage) loadBookinfo(ctx context.Context, scratch string, note func(string)) error {
	if _, err := os.Stat(s.options.Bookinfo); err != nil {
		return fmt.Errorf("the bookinfo program is missing: %w; build it with: go build -o %s ./examples/bookinfo", err, s.options.Bookinfo)
	}
	for service, tags := range versions {
		for _, version := range tags {
			spec := image.Spec{
				Tag:        reference(service, version),
				Entrypoint: []string{"/bookinfo", service, "--version", version},
				User:       "65532:65532",
				Files:      []image.File{{Path: "/bookinfo", Source: s.options.Bookinfo, Mode: 0o755}},
			}
			note(spec.Tag)
			out := filepath.Join(scratch, service+"-"+version+".tar")
			if err := image.Build(spec, out); err != nil {
				return err
			}
			if err := cluster.LoadImage(ctx, s.options.Cluster.Ref, out); err != nil {
				return err
			}
		}
	}
	note("")
	return nil
}
