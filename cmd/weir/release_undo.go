// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/revision"
)

// undo is where to go back to.
type undo struct {
	namespace, application, component, version string
}

func newReleaseUndoCommand(where *target) *cobra.Command {
	var format string
	var u undo
	command := &cobra.Command{
		Use:   "undo COMPONENT",
		Short: "Go back to an earlier version of a component",
		Long: "Go back to an earlier version of a component: the Application is edited to what that version was. A release by the\n" +
			"component's strategy follows; one that is under way goes back first. Replicas, uses, expose and strategy stay. The\n" +
			"contents of ConfigMaps and Secrets are those that were kept with the version.",
		Example: "  weir release undo reviews -n bookinfo\n  weir release undo reviews --app bookinfo --to v1 -n bookinfo",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			u.namespace, u.component = namespace, args[0]
			app, to, err := u.do(command.Context(), c)
			if err != nil {
				return err
			}
			return show(command.OutOrStdout(), format, app, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "application %s: %s is to be %s again; see: weir release watch %s -n %s\n%s",
					app.Name, u.component, to, u.component, namespace, keptWords(app, u.component, to))
				return err
			})
		},
	}
	command.Flags().StringVar(&u.application, "app", "", "application of the component (default: the one that has it)")
	command.Flags().StringVar(&u.version, "to", "", "version to go back to (default: the one before)")
	addFormatFlag(command, &format)
	return command
}

// do edits the Application, and returns it and the version it goes back to.
func (u undo) do(ctx context.Context, c client.Client) (app *api.Application, to string, err error) {
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var at int
		if app, at, err = findComponent(ctx, c, u.namespace, u.application, u.component); err != nil {
			return err
		}
		kept, err := keptVersions(ctx, c, app, u.component)
		if err != nil {
			return err
		}
		if to, err = u.aim(ctx, c, kept); err != nil {
			return err
		}
		thawed, err := kept.thaw(app, app.Spec.Components[at], to)
		if err != nil {
			return err
		}
		app.Spec.Components[at] = thawed
		return c.Update(ctx, app)
	})
	return app, to, err
}

// aim is the version to go back to: the one asked for, or what the newest release came from.
func (u undo) aim(ctx context.Context, c client.Reader, kept versions) (string, error) {
	if u.version != "" {
		if _, ok := kept.content[u.version]; !ok {
			return "", fmt.Errorf("nothing is kept of version %q of %s; there are: %s", u.version, u.component, strings.Join(kept.names, ", "))
		}
		return u.version, nil
	}
	releases, err := releasesOf(ctx, c, u.namespace, u.component)
	if err != nil {
		return "", err
	}
	if len(releases) == 0 {
		return "", fmt.Errorf("component %s was never released, so there is nothing to go back to", u.component)
	}
	return releases[len(releases)-1].Spec.From, nil
}

// versions are those that are kept of one component, as ControllerRevisions, the oldest first.
type versions struct {
	names   []string
	kept    map[string]appsv1.ControllerRevision
	content map[string]api.Component
}

func keptVersions(ctx context.Context, c client.Reader, app *api.Application, component string) (versions, error) {
	var list appsv1.ControllerRevisionList
	err := c.List(ctx, &list, client.InNamespace(app.Namespace),
		client.MatchingLabels{api.LabelApplication: app.Name, api.LabelComponent: component})
	if err != nil {
		return versions{}, fmt.Errorf("list kept versions of %s: %w", component, err)
	}
	slices.SortFunc(list.Items, func(a, b appsv1.ControllerRevision) int { return int(a.Revision - b.Revision) })
	out := versions{kept: map[string]appsv1.ControllerRevision{}, content: map[string]api.Component{}}
	for _, item := range list.Items {
		var frozen api.Component
		if err := json.Unmarshal(item.Data.Raw, &frozen); err != nil {
			return versions{}, fmt.Errorf("read kept version %s: %w", item.Name, err)
		}
		version := item.Labels[api.LabelVersion]
		out.names = append(out.names, version)
		out.kept[version], out.content[version] = item, frozen
	}
	return out, nil
}

// thaw is the component as that version was.
func (v versions) thaw(app *api.Application, now api.Component, version string) (api.Component, error) {
	said := slices.ContainsFunc(app.Status.Components, func(s api.ComponentStatus) bool {
		return s.Name == now.Name && s.Desired == version && app.Status.ObservedGeneration == app.Generation
	})
	if said || revision.Version(now, v.content) == version {
		return now, fmt.Errorf("component %s is %s already; nothing to do", now.Name, version)
	}
	return revision.Thaw(now, v.content[version]), nil
}

// keptWords say which copies the component takes its contents from now.
func keptWords(app *api.Application, component, version string) string {
	var copies []string
	for _, c := range app.Spec.Components {
		if c.Name == component {
			copies = keptContents(c)
		}
	}
	if len(copies) == 0 {
		return ""
	}
	return fmt.Sprintf("it takes the contents that were kept with %s: %s; to follow your own again, name them in the application\n",
		version, strings.Join(copies, ", "))
}

// keptContents are the copies that a component names.
func keptContents(c api.Component) []string {
	var out []string
	for _, o := range config.Objects(c) {
		if o.Kept(c.Name) {
			out = append(out, string(o.Kind)+" "+o.Name)
		}
	}
	return out
}
