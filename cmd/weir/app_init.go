// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/spf13/cobra"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/draft"
	"weir.dev/weir/internal/image"
	"weir.dev/weir/internal/kube"
)

// initFlags are what a first file is drafted from.
type initFlags struct {
	file    string
	images  []string
	source  image.Source
	format  string
	options draft.Options
}

func newAppInitCommand(where *target) *cobra.Command {
	var f initFlags
	command := &cobra.Command{
		Use:   "init",
		Short: "Write a first Application file, from images, from a compose file or from what runs in a namespace",
		Long: "Write a first Application file, from images, from a compose file or from what runs in a namespace. What could not be\n" +
			"carried over stands in remarks at its top. Nothing is written to a cluster; read the file, then weir app diff and kubectl\n" +
			"apply it. Where neither you nor the compose file names ports, they are those that the image says it listens on (EXPOSE):\n" +
			"it is looked for in the archives and folders given by --image-from, then in its registry.",
		Example: "  weir app init --name shop --image registry.example/front:v1 --image stock=registry.example/stock:v1 > application.yaml\n" +
			"  weir app init -f compose.yaml > application.yaml\n" +
			"  weir app init -n shop > application.yaml\n" +
			"  weir app init -n shop --external --only page,stock > application.yaml",
		RunE: func(command *cobra.Command, _ []string) error {
			d, err := f.draft(command, where)
			if err != nil {
				return err
			}
			if f.format == "json" {
				return show(command.OutOrStdout(), f.format, d, nil)
			}
			return show(command.OutOrStdout(), strings.TrimPrefix(f.format, "yaml"), d, func(w io.Writer) error {
				text, err := d.YAML()
				if err != nil {
					return err
				}
				_, err = io.WriteString(w, text)
				return err
			})
		},
	}
	flags := command.Flags()
	flags.StringVarP(&f.format, "output", "o", "", "json: the application, and the remarks beside it (default: yaml, as a file for people)")
	flags.StringVarP(&f.file, "filename", "f", "", "compose file (default: look at the namespace)")
	flags.StringArrayVar(&f.images, "image", nil, "image of a component, as name=image or image; once for each")
	flags.StringSliceVar(&f.source.Local, "image-from", nil,
		"archives as docker save writes them, and folders in the OCI layout, to look for images in first")
	flags.BoolVar(&f.source.Offline, "offline", false, "ask no registry")
	flags.StringVar(&f.options.Application, "name", "", "name of the application (default: the compose project's, else the namespace's)")
	flags.BoolVar(&f.options.External, "external", false, "leave the workloads to whoever made them, and govern the calls to them alone")
	flags.StringSliceVar(&f.options.Only, "only", nil, "these Services and workloads alone, separated by commas")
	return command
}

func (f initFlags) draft(command *cobra.Command, where *target) (*draft.Draft, error) {
	ctx := command.Context()
	if len(f.images) > 0 && f.file != "" {
		return nil, errors.New("name a compose file or images, not both")
	}
	if len(f.images) > 0 {
		return f.compose(ctx, draft.Project(cmp.Or(f.options.Application, where.namespace, "application"), f.images), where.namespace)
	}
	if f.file != "" {
		project, missing, err := readCompose(ctx, f.file)
		if err != nil {
			return nil, fmt.Errorf("--filename %s: %w", f.file, err)
		}
		project.Name = cmp.Or(f.options.Application, project.Name)
		d, err := f.compose(ctx, project, where.namespace)
		if err == nil {
			d.Notes = append(missing, d.Notes...)
		}
		return d, err
	}
	c, namespace, err := where.connect()
	if err != nil {
		return nil, err
	}
	seen, err := kube.ReadNamespace(ctx, c, namespace)
	if err != nil {
		return nil, err
	}
	d, err := draft.Workloads(seen, f.options)
	if err == nil && len(d.Application.Spec.Components) == 0 {
		if err := missing(ctx, c, namespace); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("nothing runs in namespace %s that is not part of an application already; "+
			"name another with -n, a compose file with -f, "+
			"or images with --image", namespace)
	}
	return d, err
}

// compose drafts by a compose project, and asks the images for what it leaves open.
func (f initFlags) compose(ctx context.Context, project *types.Project, namespace string) (*draft.Draft, error) {
	for _, path := range f.source.Local {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("--image-from: %w", err)
		}
	}
	asking := draft.Asking(project)
	answers := make([]draft.Image, len(asking))
	var group sync.WaitGroup
	for i, reference := range asking {
		group.Go(func() { answers[i] = f.ask(ctx, reference) })
	}
	group.Wait()
	images := map[string]draft.Image{}
	for i, reference := range asking {
		images[reference] = answers[i]
	}
	return draft.Compose(project, namespace, images)
}

// ask lets an image tell of itself. One that cannot be read is a remark in the draft.
func (f initFlags) ask(ctx context.Context, reference string) draft.Image {
	said, err := f.source.Read(ctx, reference)
	if err != nil {
		return draft.Image{Fault: strings.Join(strings.Fields(err.Error()), " ")}
	}
	out := draft.Image{User: said.User}
	for _, p := range said.Ports {
		one := api.Port{Port: p.Number}
		if p.UDP {
			one.Protocol = "udp"
		}
		out.Ports = append(out.Ports, one)
	}
	return out
}

// readCompose reads the compose file. Files with variables that are not here, as those with secrets often are, are told of.
func readCompose(ctx context.Context, file string) (*types.Project, []draft.Note, error) {
	found, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithEnvFiles(), cli.WithDotEnv, cli.WithDefaultProfiles(),
		cli.WithResolvedPaths(false), cli.WithoutEnvironmentResolution)
	if err != nil {
		return nil, nil, err
	}
	project, err := found.LoadProject(ctx)
	if err != nil {
		return nil, nil, err
	}
	var missing []draft.Note
	for service, s := range project.Services {
		for i := range s.EnvFiles {
			f := &s.EnvFiles[i]
			if !filepath.IsAbs(f.Path) {
				f.Path = filepath.Join(project.WorkingDir, f.Path)
			}
			if _, err := os.Stat(f.Path); errors.Is(err, os.ErrNotExist) {
				f.Required = false
				missing = append(missing, draft.Note{Component: service, Text: fmt.Sprintf("file %s with variables is not here, so they are left out; "+
					"draft again where it is, or: kubectl create secret generic %s-env --from-env-file=%s, and name that under envFrom",
					filepath.Base(f.Path), service, filepath.Base(f.Path))})
			}
		}
	}
	slices.SortFunc(missing, func(a, b draft.Note) int { return cmp.Compare(a.String(), b.String()) })
	project, err = project.WithServicesEnvironmentResolved(true)
	return project, missing, err
}
