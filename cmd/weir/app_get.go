// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	api "weir.dev/weir/api/v1alpha1"
)

func newAppGetCommand(where *target) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:     "get NAME",
		Short:   "Show one application: its components and their versions",
		Example: "  weir app get bookinfo -n bookinfo\n  weir app get bookinfo -n bookinfo -o yaml",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			app, err := findApp(command.Context(), c, namespace, args[0])
			if err != nil {
				return err
			}
			app.ManagedFields = nil // of no use to people, as kubectl thinks too
			return show(command.OutOrStdout(), format, app, func(w io.Writer) error {
				if err := appTable(w, []api.Application{*app}, time.Now(), false); err != nil {
					return err
				}
				return componentTable(w, app)
			})
		},
	}
	addFormatFlag(command, &format)
	return command
}

func componentTable(w io.Writer, app *api.Application) error {
	t := columns(w)
	fmt.Fprintln(t, "\nCOMPONENT\tKIND\tVERSION\tREADY\tPORTS\tUSES\tRELEASE\tIMAGE")
	for _, c := range app.Spec.Components {
		s := componentStatus(app, c.Name)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Name, kindWord(c), versionWord(s), readyWord(c, s), portWords(c),
			cmp.Or(strings.Join(c.Uses, ","), "-"), cmp.Or(s.Release, "-"), cmp.Or(c.Image, "-"))
	}
	return t.Flush()
}

func componentStatus(app *api.Application, name string) api.ComponentStatus {
	at := slices.IndexFunc(app.Status.Components, func(s api.ComponentStatus) bool { return s.Name == name })
	if at < 0 {
		return api.ComponentStatus{Name: name}
	}
	return app.Status.Components[at]
}

func kindWord(c api.Component) string {
	if c.External {
		return "external"
	}
	return string(cmp.Or(c.Kind, api.Deployment))
}

// versionWord is the version that carries the traffic, and the one asked for when it is another.
func versionWord(s api.ComponentStatus) string {
	if s.Current != s.Desired && s.Desired != "" {
		return s.Current + "→" + s.Desired
	}
	return cmp.Or(s.Current, "-")
}

// readyWord counts the pods of all versions. A job has none to count.
func readyWord(c api.Component, s api.ComponentStatus) string {
	if c.RunsToEnd() {
		return "-"
	}
	var ready, wanted int32
	for _, v := range s.Versions {
		ready, wanted = ready+v.Ready, wanted+v.Replicas
	}
	if len(s.Versions) == 0 && !c.External {
		wanted = c.Pods()
	}
	return fmt.Sprintf("%d/%d", ready, wanted)
}

func portWords(c api.Component) string {
	var out []string
	for _, p := range c.Ports {
		word := fmt.Sprint(p.Port)
		if p.Protocol != "" {
			word += "/" + string(p.Protocol)
		}
		out = append(out, word)
	}
	return cmp.Or(strings.Join(out, ","), "-")
}
