// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/inventory"
	"weir.dev/weir/internal/kube"
)

// deletion is what to delete, and how.
type deletion struct {
	dryRun, wait, orphans, yes bool
	timeout                    time.Duration
	format                     string
}

func newAppDeleteCommand(where *target) *cobra.Command {
	var d deletion
	command := &cobra.Command{
		Use:   "delete [NAME]",
		Short: "Delete an application with all that was made from it, without losing a request",
		Long: "Delete an application with all that was made from it. The way in from outside goes first, then the components, callers\n" +
			"before whom they call, each when the requests before it are answered. With --dry-run it tells what would go, what would\n" +
			"stay, and what of others would be left pointing at nothing. kubectl delete application does the same deletion.\n\n" +
			"With --orphans and no name it finds objects that were made for applications and that no application has, since it is gone\n" +
			"or was made anew; add --yes to delete them.",
		Example: "  weir app delete bookinfo -n bookinfo --dry-run\n  weir app delete bookinfo -n bookinfo\n" +
			"  weir app delete --orphans -n bookinfo",
		RunE: func(command *cobra.Command, args []string) error {
			if d.orphans == (len(args) > 0) {
				return errors.New("name an application, or say --orphans")
			}
			if d.orphans {
				return d.sweep(command, where)
			}
			return d.delete(command, where, args[0])
		},
	}
	flags := command.Flags()
	flags.BoolVar(&d.dryRun, "dry-run", false, "tell what would go and what would stay, and delete nothing")
	flags.BoolVar(&d.wait, "wait", true, "wait until all of it is gone")
	flags.DurationVar(&d.timeout, "timeout", 5*time.Minute, "how long to wait")
	flags.BoolVar(&d.orphans, "orphans", false, "find what was made for applications and no application has")
	flags.BoolVar(&d.yes, "yes", false, "with --orphans: delete it")
	addFormatFlag(command, &d.format)
	return command
}

func (d deletion) delete(command *cobra.Command, where *target, name string) error {
	c, namespace, err := where.connect()
	if err != nil {
		return err
	}
	ctx := command.Context()
	app, err := findApp(ctx, c, namespace, name)
	if err != nil {
		return err
	}
	if d.dryRun {
		return d.tell(command, where, c, app)
	}
	err = c.Delete(ctx, app, client.PropagationPolicy(metav1.DeletePropagationBackground), client.Preconditions{UID: new(app.UID)})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete application %s: %w", name, err)
	}
	out := command.OutOrStdout()
	if !d.wait {
		_, err := fmt.Fprintf(out, "application %s is being deleted; see: weir app get %s -n %s\n", name, name, namespace)
		return err
	}
	return d.await(ctx, c, app, out)
}

// tell lists what a deletion comes to.
func (d deletion) tell(command *cobra.Command, where *target, c client.Client, app *api.Application) error {
	config, err := where.config()
	if err != nil {
		return err
	}
	ctx := command.Context()
	all, hidden, err := kube.Everything(ctx, config, app.Namespace)
	if err != nil {
		return err
	}
	references, err := kube.References(ctx, c, app.Namespace)
	if err != nil {
		return err
	}
	departure := inventory.Of(app, all, references)
	return show(command.OutOrStdout(), d.format, departure, func(w io.Writer) error { return departureText(w, app, departure, hidden) })
}

func departureText(w io.Writer, app *api.Application, d inventory.Departure, hidden []string) error {
	fmt.Fprintf(w, "These would go, in this order (%s):\n", english.Plural(len(d.Goes), "object", ""))
	if err := itemTable(w, d.Goes); err != nil {
		return err
	}
	if len(d.Returns) > 0 {
		fmt.Fprintln(w, "\nThese were taken over, and would be given back first:")
		if err := itemTable(w, d.Returns); err != nil {
			return err
		}
	}
	if len(d.Stays) > 0 {
		fmt.Fprintln(w, "\nThese would stay:")
		if err := itemTable(w, d.Stays); err != nil {
			return err
		}
	}
	if len(d.Dangles) > 0 {
		fmt.Fprintln(w, "\nThese would stay, and point at nothing:")
		if err := itemTable(w, d.Dangles); err != nil {
			return err
		}
	}
	if len(hidden) > 0 {
		fmt.Fprintf(w, "\nYou may not see %s, so what there is of them is not told.\n", strings.Join(hidden, ", "))
	}
	_, err := fmt.Fprintf(w, "\nNothing was deleted, and nothing outside of namespace %s would be touched. "+
		"To do it: weir app delete %s -n %s\n", app.Namespace, app.Name, app.Namespace)
	return err
}

func itemTable(w io.Writer, items []inventory.Item) error {
	t := columns(w)
	for _, item := range items {
		fmt.Fprintln(t, strings.TrimRight(fmt.Sprintf("  %s\t%s\t%s", item.Kind, item.Name, item.Why), "\t"))
	}
	return t.Flush()
}

// await tells how the deletion goes until the application is gone.
func (d deletion) await(ctx context.Context, c client.WithWatch, app *api.Application, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	said := ""
	for {
		var now api.Application
		err := c.Get(ctx, client.ObjectKeyFromObject(app), &now)
		if apierrors.IsNotFound(err) || err == nil && now.UID != app.UID {
			_, err := fmt.Fprintf(out, "application %s is gone\n", app.Name)
			return err
		}
		if err != nil {
			return fmt.Errorf("application %s is not gone after %s: %w", app.Name, d.timeout, err)
		}
		if word := appStep(now); word != said {
			said = word
			fmt.Fprintln(out, word)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("application %s is not gone after %s: %s; is the controller running? See: kubectl -n weir-system get pods", app.Name,
				d.timeout, said)
		case <-time.After(lookEvery):
		}
	}
}

// lookEvery is often enough for a person.
const lookEvery = 300 * time.Millisecond

func appStep(app api.Application) string {
	for _, c := range app.Status.Conditions {
		if c.Type == api.ConditionReady && c.Reason == "Deleting" {
			return c.Message
		}
	}
	return "waiting for the controller"
}

// sweep lists what was made for applications that are gone, and deletes it when told to.
func (d deletion) sweep(command *cobra.Command, where *target) error {
	c, namespace, err := where.connect()
	if err != nil {
		return err
	}
	config, err := where.config()
	if err != nil {
		return err
	}
	ctx := command.Context()
	var apps api.ApplicationList
	if err := c.List(ctx, &apps, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("list applications in %s: %w", namespace, err)
	}
	all, _, err := kube.Everything(ctx, config, namespace)
	if err != nil {
		return err
	}
	orphans := inventory.Orphans(apps.Items, all)
	items := make([]inventory.Item, 0, len(orphans))
	for _, o := range orphans {
		items = append(items, inventory.Item{Kind: o.Kind, Name: o.Name,
			Why: "made for an application " + o.Labels[api.LabelApplication] + ", and none has it"})
	}
	if err := show(command.OutOrStdout(), d.format, items, func(w io.Writer) error {
		if len(items) == 0 {
			_, err := fmt.Fprintf(w, "nothing in namespace %s was made for an application, and is left\n", namespace)
			return err
		}
		return itemTable(w, items)
	}); err != nil || len(orphans) == 0 {
		return err
	}
	if !d.yes || d.dryRun {
		return errors.New("nothing was deleted; add --yes to do it")
	}
	for i := range orphans {
		err := c.Delete(ctx, &orphans[i], client.PropagationPolicy(metav1.DeletePropagationBackground),
			client.Preconditions{UID: new(orphans[i].UID)})
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete %s %s: %w", orphans[i].Kind, orphans[i].Name, err)
		}
	}
	_, err = fmt.Fprintf(command.ErrOrStderr(), "%s deleted\n", english.Plural(len(orphans), "object", ""))
	return err
}
