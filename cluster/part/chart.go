// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const istioModule = "istio.io/istio"

// istioFiles are what is taken from Istio's module as it is: where it lies there, and where it goes.
var istioFiles = map[string]string{
	"manifests/charts/base":                          "charts/base",
	"manifests/charts/istio-control/istio-discovery": "charts/istiod",
	"manifests/charts/gateway":                       "charts/gateway",
	"manifests/charts/base/files/crd-all.gen.yaml":   "crds/istio.yaml",
	"tools/packaging/common/envoy_bootstrap.json":    "envoy/envoy_bootstrap_tmpl.json",
}

func chartsRecipe() recipe {
	inputs := []string{moduleVersion("kubernetes", istioModule)}
	for _, from := range sortedKeys(istioFiles) {
		inputs = append(inputs, from, istioFiles[from])
	}
	return recipe{
		Part:   Part{Name: "charts", Version: istioTag(), Source: "Go module " + istioModule},
		inputs: inputs,
		make:   copyCharts,
	}
}

func copyCharts(ctx context.Context, j *job) error {
	module, err := istioFolder(ctx, j)
	if err != nil {
		return err
	}
	j.report.step("copy", 0)
	for _, from := range sortedKeys(istioFiles) {
		if err := copyTree(filepath.Join(module, from), filepath.Join(j.dir, istioFiles[from])); err != nil {
			return err
		}
	}
	return nil
}

// istioFolder is where Go keeps the module, which is downloaded if need be.
func istioFolder(ctx context.Context, j *job) (string, error) {
	var folder string
	get := goBuild{group: "kubernetes"}.command(j, "mod")
	get.args = []string{"go", "mod", "download", istioModule}
	where := get
	where.args = []string{"go", "list", "-m", "-f", "{{.Dir}}", istioModule}
	where.out = func(line string) { folder = line }
	err := j.retry(ctx, "download module", func() error {
		if err := get.run(ctx); err != nil {
			return err
		}
		return where.run(ctx)
	})
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, proxyAdvice)
	}
	if folder == "" {
		return "", fmt.Errorf("go does not say where it keeps %s", istioModule)
	}
	return folder, nil
}

// copyTree copies a file or a folder, writable for its owner even if the source is not.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}
