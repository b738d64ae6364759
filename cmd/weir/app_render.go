// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/preview"
)

func newAppRenderCommand(where *target) *cobra.Command {
	var file, format string
	command := &cobra.Command{
		Use:   "render [NAME]",
		Short: "Show every object that is made of an application",
		Long: "Show every object that is made of an application, as YAML. With a file it needs no cluster, and nothing is written.\n" +
			"While a release is under way, the objects of an application in a cluster are those from before it.",
		Example: "  weir app render -f application.yaml\n  weir app render bookinfo -n bookinfo",
		RunE: func(command *cobra.Command, args []string) error {
			in, err := renderInput(command, where, file, args)
			if err != nil {
				return err
			}
			objects, err := preview.Objects(in)
			if err != nil {
				return err
			}
			if err := plan.Check(objects); err != nil {
				return fmt.Errorf("the result would be refused: %w", err)
			}
			fields := make([]map[string]any, 0, len(objects))
			for _, o := range objects {
				f, err := preview.Fields(o)
				if err != nil {
					return err
				}
				fields = append(fields, f)
			}
			return show(command.OutOrStdout(), format, fields, func(w io.Writer) error { return writeStream(w, fields) })
		},
	}
	command.Flags().StringVarP(&file, "filename", "f", "", "file with an Application; - is the standard input")
	command.Flags().StringVarP(&format, "output", "o", "", "json or yaml, as one list (default: YAML documents, one an object)")
	return command
}

// renderInput is the application of the file, as it would be if there were nothing yet, or one of the cluster.
func renderInput(command *cobra.Command, where *target, file string, args []string) (preview.Input, error) {
	switch {
	case file != "" && len(args) > 0:
		return preview.Input{}, errors.New("name an application or a file, not both")
	case file != "":
		w, err := readWish(command.InOrStdin(), file)
		if err != nil {
			return preview.Input{}, err
		}
		if w.application == nil {
			return preview.Input{}, fmt.Errorf("--filename %s: there is no Application in it", file)
		}
		w.application.Namespace = cmp.Or(where.namespace, w.application.Namespace, "default")
		if err := plan.Accept(w.application); err != nil {
			return preview.Input{}, err
		}
		return preview.Input{Then: w.application}, nil
	case len(args) > 0:
		c, namespace, err := where.connect()
		if err != nil {
			return preview.Input{}, err
		}
		return standingInput(command.Context(), c, namespace, args[0])
	default:
		return preview.Input{}, errors.New("say what to render: an application by its name, or a file with -f")
	}
}

// standingInput is an application of the cluster as it stands.
func standingInput(ctx context.Context, c client.Client, namespace, name string) (preview.Input, error) {
	app, err := findApp(ctx, c, namespace, name)
	if err != nil {
		return preview.Input{}, err
	}
	in := preview.Input{Now: app, Then: app, Revisions: map[string]map[string]api.Component{}}
	return in, readHistory(ctx, c, &in)
}

// readHistory reads the kept versions and the releases of every component.
func readHistory(ctx context.Context, c client.Client, in *preview.Input) error {
	for _, component := range in.Then.Spec.Components {
		if component.Kind == api.StatefulSet {
			var pods corev1.PodList
			err := c.List(ctx, &pods, client.InNamespace(in.Then.Namespace),
				client.MatchingLabels{api.LabelApplication: in.Then.Name, api.LabelComponent: component.Name})
			if err != nil {
				return fmt.Errorf("list pods of component %s: %w", component.Name, err)
			}
			if in.Pods == nil {
				in.Pods = map[string][]corev1.Pod{}
			}
			in.Pods[component.Name] = pods.Items
		}
		kept, err := keptVersions(ctx, c, in.Then, component.Name)
		if err != nil {
			return err
		}
		in.Revisions[component.Name] = kept.content
		releases, err := releasesOf(ctx, c, in.Then.Namespace, component.Name)
		if err != nil {
			return err
		}
		in.Releases = append(in.Releases, releases...)
	}
	return readNeighbors(ctx, c, in)
}

// readNeighbors reads who the gateway is, and which other applications call this one. Where those of other namespaces may not
// be read, those of its own count.
func readNeighbors(ctx context.Context, c client.Client, in *preview.Input) error {
	var apps api.ApplicationList
	err := c.List(ctx, &apps)
	if apierrors.IsForbidden(err) {
		err = c.List(ctx, &apps, client.InNamespace(in.Then.Namespace))
	}
	if err != nil {
		return fmt.Errorf("list applications: %w", err)
	}
	var gateways kube.Gateways
	in.Neighbors = plan.Neighbors{
		GatewayPrincipals: plan.Principals(gateways.Look(ctx, c, in.Gateway).Accounts), Callers: plan.Callers(in.Then, apps.Items),
	}
	return nil
}

func writeStream(w io.Writer, objects []map[string]any) error {
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
