// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/check"
	"weir.dev/weir/internal/survey"
)

// checkFlags are what is examined, and how it is told.
type checkFlags struct {
	options     survey.Options
	clusterOnly bool
	everywhere  bool
	strict      bool
	format      string
}

func newCheckCommand() *cobra.Command {
	where := &target{}
	var f checkFlags
	command := &cobra.Command{
		Use:   "check",
		Short: "Examine a cluster and a namespace, before and after an install",
		Long: "Examine a cluster and a namespace: whether Weir can be installed, whether istiod gives sidecars and Prometheus has\n" +
			"evidence, and what in the namespace is wrong or will bite later. Each finding says what to do. Nothing is written.\n" +
			"Ends with exit code 1 when there is a fault, with --strict also when there is a warning, and 2 when it cannot look.",
		Example: "  weir check --cluster-only\n  weir check -n bookinfo\n  weir check -A -o json",
		RunE: func(command *cobra.Command, _ []string) error {
			code, err := f.run(command, where)
			switch {
			case err != nil:
				return &endError{code: 2, err: err}
			case code != 0:
				return &endError{code: code}
			}
			return nil
		},
	}
	flags := command.Flags()
	where.addFlags(flags)
	flags.BoolVar(&f.clusterOnly, "cluster-only", false, "look at no namespace")
	flags.BoolVarP(&f.everywhere, "all-namespaces", "A", false, "look at every namespace with injection or an application")
	flags.BoolVar(&f.strict, "strict", false, "end with exit code 1 when there is a warning, too")
	flags.StringVar(&f.options.Gateway, "gateway-selector", "istio=ingressgateway", "labels of the ingress gateway's pods")
	flags.StringVar(&f.options.Prometheus, "prometheus-url", "", "Prometheus to ask (default: what Weir was installed with)")
	addFormatFlag(command, &f.format)
	return command
}

func (f checkFlags) run(command *cobra.Command, where *target) (int, error) {
	config, err := where.config()
	if err != nil {
		return 0, err
	}
	if f.options.Namespaces, err = f.namespaces(command, where); err != nil {
		return 0, err
	}
	snapshot, err := survey.Take(command.Context(), config, f.options)
	if err != nil {
		return 0, err
	}
	found := check.Run(snapshot)
	err = show(command.OutOrStdout(), f.format, found, func(w io.Writer) error { return checkText(w, snapshot, found) })
	worst := check.Worst(found)
	if worst == check.Fault || f.strict && worst == check.Warning {
		return 1, err
	}
	return 0, err
}

func (f checkFlags) namespaces(command *cobra.Command, where *target) ([]string, error) {
	if f.clusterOnly {
		return nil, nil
	}
	c, namespace, err := where.connect()
	if err != nil || !f.everywhere {
		return []string{namespace}, err
	}
	var all corev1.NamespaceList
	if err := c.List(command.Context(), &all); err != nil {
		return nil, fmt.Errorf("list namespaces: %w; name one with -n", err)
	}
	applications := map[string]bool{}
	var apps api.ApplicationList
	if err := c.List(command.Context(), &apps); err == nil { // before an install there are none
		for _, a := range apps.Items {
			applications[a.Namespace] = true
		}
	}
	return survey.Everywhere(all.Items, applications), nil
}

var checkMarks = map[check.Level]string{check.Good: "✓", check.Warning: "!", check.Fault: "✗"}

func checkText(w io.Writer, s check.Snapshot, found []check.Finding) error {
	t := &strings.Builder{}
	fmt.Fprintln(t, "Cluster")
	findingLines(t, found, "")
	for _, n := range s.Namespaces {
		fmt.Fprintf(t, "\nNamespace %s: %s\n", n.Name, contents(n))
		if !findingLines(t, found, n.Name) {
			fmt.Fprintln(t, "  ✓ nothing is wrong")
		}
	}
	if len(s.Hidden) > 0 {
		fmt.Fprintf(t, "\nNot looked at, since you may not see it: %s\n", strings.Join(s.Hidden, ", "))
	}
	count := map[check.Level]int{}
	for _, f := range found {
		count[f.Level]++
	}
	fmt.Fprintf(t, "\n%s, %s\n", english.Plural(count[check.Fault], "fault", ""), english.Plural(count[check.Warning], "warning", ""))
	_, err := io.WriteString(w, t.String())
	return err
}

func contents(n check.Namespace) string {
	return fmt.Sprintf("%s, %s, %s", english.Plural(len(n.Applications), "application", ""),
		english.Plural(len(n.Services), "Service", ""), english.Plural(len(n.Pods), "pod", ""))
}

// findingLines writes those of one namespace, and tells whether there were any.
func findingLines(t *strings.Builder, found []check.Finding, namespace string) bool {
	some := false
	for _, f := range found {
		if f.Namespace != namespace {
			continue
		}
		some = true
		where := ""
		if f.Where != "" {
			where = f.Where + ": "
		}
		fmt.Fprintf(t, "  %s %s%s\n", checkMarks[f.Level], where, f.What)
		if f.Do != "" {
			fmt.Fprintf(t, "      → %s (%s)\n", f.Do, f.Rule)
		}
	}
	return some
}
