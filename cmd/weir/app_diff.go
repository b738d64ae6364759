// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/preview"
)

func newAppDiffCommand(where *target) *cobra.Command {
	var file, format string
	var brief bool
	command := &cobra.Command{
		Use:   "diff [NAME]",
		Short: "Show how the cluster differs from what an application asks for",
		Long: "Show how the cluster differs from what an application asks for: of an application by its name, what somebody changed by\n" +
			"hand; of a file, what applying it would change at once. What its releases would do later tells weir release plan.\n" +
			"Nothing is written. Ends with exit code 0 when nothing differs, 1 when something does, and 2 on errors.",
		Example: "  weir app diff bookinfo -n bookinfo\n  weir app diff -f application.yaml -n bookinfo",
		RunE: func(command *cobra.Command, args []string) error {
			changes, err := appDiff(command, where, file, args)
			if err == nil {
				err = show(command.OutOrStdout(), format, changes, func(w io.Writer) error { return preview.Changes(w, changes, !brief) })
			}
			switch {
			case err != nil:
				return &endError{code: 2, err: err}
			case len(changes) > 0:
				return &endError{code: 1}
			}
			return nil
		},
	}
	command.Flags().StringVarP(&file, "filename", "f", "", "file with an Application; - is the standard input")
	command.Flags().BoolVar(&brief, "brief", false, "leave out the lines that differ")
	addFormatFlag(command, &format)
	return command
}

func appDiff(command *cobra.Command, where *target, file string, args []string) ([]preview.Change, error) {
	if (file == "") == (len(args) == 0) {
		return nil, errors.New("say what to compare: an application by its name, or a file with -f")
	}
	c, namespace, err := where.connect()
	if err != nil {
		return nil, err
	}
	ctx := command.Context()
	if file == "" {
		in, err := standingInput(ctx, c, namespace, args[0])
		if err != nil {
			return nil, err
		}
		return drift(ctx, c, in)
	}
	w, err := readWish(command.InOrStdin(), file)
	if err != nil {
		return nil, err
	}
	if w.application == nil {
		return nil, fmt.Errorf("--filename %s: there is no Application in it", file)
	}
	in, err := gatherPlan(ctx, c, namespace, planFlags{}, w)
	if err != nil {
		return nil, err
	}
	changes, err := drift(ctx, c, in)
	if err != nil {
		return nil, err
	}
	var before plan.Object
	kind := api.GroupVersion.WithKind("Application") // which what was read lacks
	in.Then.SetGroupVersionKind(kind)
	if in.Now != nil {
		in.Now.SetGroupVersionKind(kind)
		before = in.Now
	}
	itself, err := preview.Between(before, in.Then)
	if err != nil || itself.Diff == "" {
		return changes, err
	}
	return append([]preview.Change{itself}, changes...), nil
}

// drift compares what should be with what is. The API server says what an object would become, so that its defaults are
// no differences.
func drift(ctx context.Context, c client.Client, in preview.Input) ([]preview.Change, error) {
	objects, err := preview.Objects(in)
	if err != nil {
		return nil, err
	}
	changes := []preview.Change{}
	wanted := map[string]bool{}
	for _, o := range objects {
		wanted[kube.Describe(o)] = true
		before, after, err := wouldBe(ctx, c, o)
		if err != nil {
			return nil, err
		}
		change, err := preview.Between(before, after)
		if err != nil {
			return nil, err
		}
		if change.Diff != "" {
			changes = append(changes, change)
		}
	}
	if in.Now == nil {
		return changes, nil
	}
	owned, err := kube.Applier{Client: c, Reader: c}.Owned(ctx, in.Now)
	if err != nil {
		return nil, err
	}
	for _, o := range owned {
		if wanted[kube.Describe(o)] {
			continue
		}
		change, err := preview.Between(o, nil)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// wouldBe returns the object as it is, nil when there is none, and as it would be once it was applied.
func wouldBe(ctx context.Context, c client.Client, o plan.Object) (before, after plan.Object, err error) {
	fields, err := preview.Fields(o)
	if err != nil {
		return nil, nil, err
	}
	then := &unstructured.Unstructured{Object: fields}
	then.SetOwnerReferences(o.GetOwnerReferences())
	now := &unstructured.Unstructured{}
	now.SetGroupVersionKind(then.GroupVersionKind())
	switch err := c.Get(ctx, client.ObjectKeyFromObject(o), now); {
	case apierrors.IsNotFound(err):
		return nil, then, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read %s: %w", kube.Describe(o), err)
	}
	err = c.Apply(ctx, client.ApplyConfigurationFromUnstructured(then), client.DryRunAll, client.FieldOwner(api.FieldManager),
		client.ForceOwnership)
	if err != nil {
		return nil, nil, fmt.Errorf("compare %s: %w", kube.Describe(o), err)
	}
	kube.Unmark(now)
	kube.Unmark(then)
	return now, then, nil
}
