// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
)

// description is all there is to say of an application.
type description struct {
	Application *api.Application `json:"application"`
	Releases    []api.Release    `json:"releases,omitempty"`
	// Objects are what it is made of, as kind namespace/name.
	Objects []string       `json:"objects,omitempty"`
	Events  []corev1.Event `json:"events,omitempty"`
}

func newAppDescribeCommand(where *target) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "describe NAME",
		Short: "Show all there is to know of one application",
		Long: "Show all there is to know of one application: its components, what keeps them from being ready, its releases, the " +
			"objects\nit is made of, and what happened to it.",
		Example: "  weir app describe bookinfo -n bookinfo",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			d, err := describeApp(command.Context(), c, namespace, args[0])
			if err != nil {
				return err
			}
			return show(command.OutOrStdout(), format, d, func(w io.Writer) error { return d.write(w, time.Now()) })
		},
	}
	addFormatFlag(command, &format)
	return command
}

func describeApp(ctx context.Context, c client.Client, namespace, name string) (description, error) {
	app, err := findApp(ctx, c, namespace, name)
	if err != nil {
		return description{}, err
	}
	app.ManagedFields = nil
	d := description{Application: app}
	for _, component := range app.Spec.Components {
		releases, err := releasesOf(ctx, c, namespace, component.Name)
		if err != nil {
			return d, err
		}
		if len(releases) > 0 {
			d.Releases = append(d.Releases, releases[len(releases)-1])
			d.Releases[len(d.Releases)-1].ManagedFields = nil
		}
	}
	owned, err := kube.Applier{Client: c, Reader: c}.Owned(ctx, app)
	if err != nil {
		return d, err
	}
	for _, o := range owned {
		d.Objects = append(d.Objects, kube.Describe(o))
	}
	slices.Sort(d.Objects)
	var events corev1.EventList
	err = c.List(ctx, &events, client.InNamespace(namespace),
		client.MatchingFields{"involvedObject.kind": "Application", "involvedObject.name": name})
	if err != nil {
		return d, fmt.Errorf("list events of application %s: %w", name, err)
	}
	slices.SortFunc(events.Items, func(a, b corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
	d.Events = events.Items
	return d, nil
}

// eventTime is when the event was last seen; the two APIs of events write it to different fields.
func eventTime(e corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	default:
		return e.CreationTimestamp.Time
	}
}

func (d description) write(w io.Writer, now time.Time) error {
	app := d.Application
	fmt.Fprintf(w, "Application %s in namespace %s: %s\n", app.Name, app.Namespace, appWord(*app))
	fmt.Fprintf(w, "Address   %s\n", cmp.Or(app.Status.Address, "none; expose a component"))
	if app.Status.ObservedGeneration != app.Generation && app.Status.ObservedGeneration != 0 {
		fmt.Fprintf(w, "Behind    the controller has not looked at the newest edit yet\n")
	}
	for _, part := range []func(io.Writer) error{
		func(w io.Writer) error { return componentTable(w, app) },
		d.versionTable,
		d.warningTable,
		func(w io.Writer) error { return d.releases(w, now) },
		func(w io.Writer) error { return conditionTable(w, app.Status.Conditions, time.DateTime) },
		d.objectTable,
		func(w io.Writer) error { return eventTable(w, d.Events, now) },
	} {
		if err := part(w); err != nil {
			return err
		}
	}
	return nil
}

// versionTable shows the versions that have pods, and in words what is wrong with them.
func (d description) versionTable(w io.Writer) error {
	t := columns(w)
	fmt.Fprintln(t, "\nCOMPONENT\tVERSION\tPODS READY\tMESSAGE")
	for _, s := range d.Application.Status.Components {
		for _, v := range s.Versions {
			fmt.Fprintf(t, "%s\t%s\t%d/%d\t%s\n", s.Name, v.Version, v.Ready, v.Replicas, cmp.Or(v.Message, "-"))
		}
		if len(s.Versions) == 0 && s.Message != "" {
			fmt.Fprintf(t, "%s\t%s\t-\t%s\n", s.Name, versionWord(s), s.Message)
		}
	}
	return t.Flush()
}

// warningTable shows what works, but not as one may expect.
func (d description) warningTable(w io.Writer) error {
	t := columns(w)
	head := "\nCOMPONENT\tWARNING\n"
	for _, s := range d.Application.Status.Components {
		for _, words := range s.Warnings {
			fmt.Fprintf(t, "%s%s\t%s\n", head, s.Name, words)
			head = ""
		}
	}
	return t.Flush()
}

func (d description) releases(w io.Writer, now time.Time) error {
	if len(d.Releases) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return releaseTable(w, d.Releases, now, false)
}

// objectTable lists the objects a line a kind.
func (d description) objectTable(w io.Writer) error {
	if len(d.Objects) == 0 {
		return nil
	}
	t := columns(w)
	fmt.Fprintln(t, "\nMADE OF\tOBJECTS")
	var kinds []string
	names := map[string][]string{}
	for _, o := range d.Objects {
		kind, name, _ := strings.Cut(o, " ")
		if names[kind] == nil {
			kinds = append(kinds, kind)
		}
		names[kind] = append(names[kind], strings.TrimPrefix(name, d.Application.Namespace+"/"))
	}
	for _, kind := range kinds {
		fmt.Fprintf(t, "%s\t%s\n", kind, strings.Join(names[kind], ", "))
	}
	return t.Flush()
}

func eventTable(w io.Writer, events []corev1.Event, now time.Time) error {
	if len(events) == 0 {
		return nil
	}
	t := columns(w)
	fmt.Fprintln(t, "\nEVENT\tLAST SEEN\tMESSAGE")
	for _, e := range events {
		fmt.Fprintf(t, "%s\t%s ago\t%s\n", e.Reason, duration.HumanDuration(now.Sub(eventTime(e))), e.Message)
	}
	return t.Flush()
}
