// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"weir.dev/weir/cluster/part/archive"
)

const proxyAdvice = "Go could not get the modules: is the module proxy (go env GOPROXY) within reach?"

// goBuild compiles programs from Go modules that a group of components pins.
type goBuild struct {
	// group is the folder in cluster/components that has the go.mod.
	group string
	// packages are the programs, as import paths or, for those of the group itself, relative to it.
	packages []string
	// stamps are the variables set at link time, as package.name=value.
	stamps []string
	// links are further names for the programs.
	links map[string]string
}

// recipe makes it a part with the version of the given module, or version 1 if it is the group's own program.
func (b goBuild) recipe(name, module string) recipe {
	part := Part{Name: name, Version: "1", Source: "Go package of cluster/components/" + b.group}
	if module != "" {
		part.Version, part.Source = moduleVersion(b.group, module), "Go module "+module
	}
	return recipe{Part: part, inputs: b.inputs(), make: b.make}
}

func (b goBuild) inputs() []string {
	inputs := slices.Concat(b.flags(), b.packages)
	prefixes := []string{b.group + "/go.mod", b.group + "/go.sum"}
	for _, program := range b.packages {
		prefixes = append(prefixes, b.group+"/"+strings.TrimPrefix(program, "./"))
	}
	sources := archive.Files(components, prefixes...)
	for _, name := range sortedKeys(sources) {
		inputs = append(inputs, name, string(sources[name]))
	}
	return inputs
}

// flags go to the build and to the listing before it, so that both see the same packages.
func (b goBuild) flags() []string {
	flags := []string{"-trimpath", "-mod=readonly"}
	if tags := groupTags[b.group]; len(tags) > 0 {
		flags = append(flags, "-tags="+strings.Join(tags, ","))
	}
	link := []string{"-ldflags=-s -w"}
	for _, stamp := range b.stamps {
		link = append(link, "-X "+stamp)
	}
	return append(flags, strings.Join(link, " "))
}

func (b goBuild) make(ctx context.Context, j *job) error {
	packages, err := b.download(ctx, j)
	if err != nil {
		return err
	}
	bin := filepath.Join(j.dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	if err := b.compile(ctx, j, packages, bin); err != nil {
		return err
	}
	for _, name := range sortedKeys(b.links) {
		if err := os.Symlink(b.links[name], filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}

// packageSet is the packages of a build by name, and whether each is a program.
type packageSet map[string]bool

// download makes Go fetch every module that the programs need, and returns all their packages.
func (b goBuild) download(ctx context.Context, j *job) (packageSet, error) {
	packages := packageSet{}
	err := j.retry(ctx, "download modules", func() error {
		modules := 0
		list := b.command(j, "list", "-deps", "-f", "{{.ImportPath}} {{.Name}}")
		list.out = func(line string) {
			path, name, _ := strings.Cut(line, " ")
			packages[path] = name == "main"
		}
		list.line = func(line string) {
			if module, isModule := strings.CutPrefix(line, "go: downloading "); isModule {
				modules++
				j.report.progress(modules, module)
			}
		}
		return list.run(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, proxyAdvice)
	}
	return packages, nil
}

func (b goBuild) compile(ctx context.Context, j *job, packages packageSet, bin string) error {
	j.report.step("compile packages", len(packages))
	done, started := 0, time.Now()
	build := b.command(j, "build", "-v", "-o", bin+"/")
	build.line = func(line string) {
		isProgram, isPackage := packages[line]
		if !isPackage {
			return
		}
		done++
		j.report.progress(done, line)
		if isProgram && len(b.packages) == 1 {
			j.report.step("link", 0)
		}
	}
	if err := build.run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(j.log, "compiled %d of %d packages in %s\n", done, len(packages), time.Since(started).Round(time.Second))
	return nil
}

// command is a call of Go that the settings of the user cannot change, but for those of the network and the caches.
func (b goBuild) command(j *job, verb string, args ...string) command {
	return command{
		dir:  filepath.Join(j.sources, b.group),
		args: slices.Concat([]string{"go", verb}, args, b.flags(), b.packages),
		env: environ("CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off", "GO111MODULE=on", "GOOS=linux",
			"GOARCH="+hostArch, "GOEXPERIMENT=", "GOGC=800"),
		log: j.log,
	}
}
