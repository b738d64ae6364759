// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	api "weir.dev/weir/api/v1alpha1"
)

// history is what became of a component: its releases, and the versions that can be had again.
type history struct {
	Application string        `json:"application"`
	Component   string        `json:"component"`
	Releases    []pastRelease `json:"releases"`
	Versions    []pastVersion `json:"versions"`
}

type pastRelease struct {
	Name      string     `json:"name"`
	From      string     `json:"from"`
	To        string     `json:"to"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	Seconds   float64    `json:"seconds,omitempty"`
	Result    string     `json:"result"`
	Message   string     `json:"message"`
	// Approvals tell who approved which gate.
	Approvals []string `json:"approvals,omitempty"`
}

type pastVersion struct {
	Version string `json:"version"`
	Image   string `json:"image"`
	// Contents are the ConfigMaps and Secrets that are kept with it.
	Contents []string  `json:"contents,omitempty"`
	Since    time.Time `json:"since"`
	// Use is current, wanted, or both.
	Use string `json:"use,omitempty"`
}

func newReleaseHistoryCommand(where *target) *cobra.Command {
	var format, application string
	command := &cobra.Command{
		Use:     "history COMPONENT",
		Short:   "List the releases of a component, and the versions that can be had again",
		Example: "  weir release history reviews -n bookinfo\n  weir release history reviews --app bookinfo -o yaml",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			app, _, err := findComponent(command.Context(), c, namespace, application, args[0])
			if err != nil {
				return err
			}
			kept, err := keptVersions(command.Context(), c, app, args[0])
			if err != nil {
				return err
			}
			releases, err := releasesOf(command.Context(), c, namespace, args[0])
			if err != nil {
				return err
			}
			h := historyOf(app, args[0], releases, kept)
			return show(command.OutOrStdout(), format, h, h.table)
		},
	}
	command.Flags().StringVar(&application, "app", "", "application of the component (default: the one that has it)")
	addFormatFlag(command, &format)
	return command
}

func historyOf(app *api.Application, component string, releases []api.Release, kept versions) history {
	h := history{Application: app.Name, Component: component}
	for _, r := range releases {
		h.Releases = append(h.Releases, past(r))
	}
	var status api.ComponentStatus
	for _, s := range app.Status.Components {
		if s.Name == component {
			status = s
		}
	}
	for _, name := range kept.names {
		v := pastVersion{
			Version: name, Image: kept.content[name].Image, Contents: keptContents(kept.content[name]),
			Since: kept.kept[name].CreationTimestamp.UTC(),
		}
		switch {
		case name == status.Current && status.Current != status.Desired:
			v.Use = "current, not wanted"
		case name == status.Current:
			v.Use = "current"
		case name == status.Desired:
			v.Use = "wanted"
		}
		h.Versions = append(h.Versions, v)
	}
	return h
}

func past(r api.Release) pastRelease {
	out := pastRelease{Name: r.Name, From: r.Spec.From, To: r.Spec.To, Result: phaseWord(r), Message: r.Status.Message}
	if start, end := r.Status.StartedAt, r.Status.FinishedAt; start != nil {
		at := start.UTC()
		out.StartedAt = &at
		if end != nil {
			out.Seconds = end.Sub(start.Time).Round(time.Second).Seconds()
		}
	}
	for _, a := range r.Spec.Approvals {
		out.Approvals = append(out.Approvals, a.Gate+" by "+a.By)
	}
	return out
}

func (h history) table(w io.Writer) error {
	t := columns(w)
	fmt.Fprintln(t, "RELEASE\tFROM\tTO\tBEGUN\tTOOK\tRESULT\tAPPROVED\tMESSAGE")
	for _, r := range h.Releases {
		begun, took := "-", "-"
		if r.StartedAt != nil {
			begun = r.StartedAt.Format(time.DateTime)
		}
		if r.Seconds > 0 {
			took = (time.Duration(r.Seconds) * time.Second).String()
		}
		approved := cmp.Or(strings.Join(r.Approvals, ", "), "-")
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.From, r.To, begun, took, r.Result, approved, r.Message)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(t, "VERSION\tSINCE\tIMAGE\tCONTENTS\tUSE")
	for _, v := range h.Versions {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", v.Version, v.Since.Format(time.DateTime), v.Image,
			cmp.Or(strings.Join(v.Contents, ", "), "-"), cmp.Or(v.Use, "-"))
	}
	return t.Flush()
}
