// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"weir.dev/weir/internal/install"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan/routing"
	"weir.dev/weir/internal/preview"
	"weir.dev/weir/internal/telemetry/prometheus"
)

// planFlags are what a plan is asked for.
type planFlags struct {
	file, application, component, image string
	format, prometheusURL, templates    string
	rate                                float64
	ready                               time.Duration
	brief                               bool
}

func newReleasePlanCommand(where *target) *cobra.Command {
	var f planFlags
	command := &cobra.Command{
		Use:   "plan",
		Short: "Say what a change would do, before it is made",
		Long: "Say what a change would do, before it is made: which releases would begin, what each of their steps writes, how many\n" +
			"pods there are at the most, how long it takes, and whether there are requests enough to judge by. The API server\n" +
			"checks the change as well. Nothing is written. Ends with exit code 1 when the change has faults,\n" +
			"or somebody else has routes for what would be released.",
		Example: "  weir release plan -f application.yaml -n bookinfo\n" +
			"  weir release plan -f strategy.yaml --component reviews --image weir.local/bookinfo/reviews:v2 -n bookinfo\n" +
			"  weir release plan --component reviews --image weir.local/bookinfo/reviews:v2 --rate 100 --brief -n bookinfo",
		RunE: func(command *cobra.Command, _ []string) error { return runPlan(command, where, f) },
	}
	flags := command.Flags()
	flags.StringVarP(&f.file, "filename", "f", "", "file with an Application, Strategies or both; - is the standard input")
	flags.StringVar(&f.application, "app", "", "application (default: that of the file, else the one that has the component)")
	flags.StringVar(&f.component, "component", "", "component that --image, and a strategy without an application, are for")
	flags.StringVar(&f.image, "image", "", "image that the component would get")
	flags.Float64Var(&f.rate, "rate", 0, "requests a second that a component gets (default: not known)")
	flags.StringVar(&f.prometheusURL, "prometheus-url", "", "Prometheus to ask for the rate of the last five minutes")
	flags.StringVar(&f.templates, "template-namespace", install.Namespace,
		"namespace of the strategies that every namespace may name, as the controller has it")
	flags.DurationVar(&f.ready, "ready", 20*time.Second, "how long pods take to become ready")
	flags.BoolVar(&f.brief, "brief", false, "leave out the lines that differ")
	addFormatFlag(command, &f.format)
	return command
}

func runPlan(command *cobra.Command, where *target, f planFlags) error {
	c, namespace, err := where.connect()
	if err != nil {
		return err
	}
	ctx := command.Context()
	wish, err := readWish(command.InOrStdin(), f.file)
	if err != nil {
		return err
	}
	in, err := gatherPlan(ctx, c, namespace, f, wish)
	if err != nil {
		return err
	}
	if in.Ready = f.ready; f.prometheusURL != "" {
		if err := measureRates(ctx, f.prometheusURL, &in); err != nil {
			return err
		}
	}
	p, err := preview.Of(in)
	if err != nil {
		return err
	}
	if err := show(command.OutOrStdout(), f.format, p, func(w io.Writer) error { return p.Text(w, !f.brief) }); err != nil {
		return err
	}
	switch {
	case len(p.Faults) > 0:
		return errors.New("the change has faults")
	case len(p.Conflicts) > 0:
		return errors.New("somebody else routes what would be released")
	}
	return nil
}

// measureRates asks how many requests each component got in the last five minutes.
func measureRates(ctx context.Context, url string, in *preview.Input) error {
	const span = 5 * time.Minute
	measurer, err := prometheus.New(url, nil)
	if err != nil {
		return fmt.Errorf("--prometheus-url: %w", err)
	}
	if in.Now == nil {
		return nil
	}
	now := time.Now()
	for _, s := range in.Now.Status.Components {
		sample, err := measurer.Measure(ctx, mesh.Window{
			Host: routing.Host(in.Now.Namespace, s.Name), Namespace: in.Now.Namespace, Version: s.Current,
			Since: now.Add(-span), Until: now, Quantile: 0.95,
		})
		if err != nil {
			return fmt.Errorf("ask how many requests %s gets: %w", s.Name, err)
		}
		in.Rates[s.Name] = sample.Requests / span.Seconds()
	}
	return nil
}
