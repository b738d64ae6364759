// SPDX-License-Identifier: Apache-2.0

// Package install puts Weir into a cluster that has Istio, brings it up to date, and takes it out again. It is the one
// way in for every cluster, the local one included.
package install

import (
	"context"
	"fmt"
	"io"
	"time"
)

const (
	// Namespace is where Weir runs unless Options say otherwise.
	Namespace = "weir-system"
	// releaseName is the name of the Helm release.
	releaseName = "weir"
	// fieldManager owns what is applied apart from Helm.
	fieldManager = "weir-install"
	// defaultTimeout bounds an install unless Options say otherwise.
	defaultTimeout = 2 * time.Minute
)

// Options say where and how Weir is installed. The zero value means the current kubeconfig and the chart's defaults.
type Options struct {
	// Kubeconfig is the path of a kubeconfig file. Default: $KUBECONFIG, else ~/.kube/config, else the pod's own account.
	Kubeconfig string
	// Context is a context of the kubeconfig. Default: its current one.
	Context string
	// Namespace that Weir runs in; it is made if it is missing. Default: weir-system.
	Namespace string
	// Image of weir with its tag. Default: what was installed before, else the chart's.
	Image string
	// Set overrides values of the chart, each written key=value as Helm does. Values of an earlier install stay.
	Set []string
	// Wait until the controllers are ready.
	Wait bool
	// Timeout for all of it. Default: 2m.
	Timeout time.Duration
	// Out is told what is done, a line a step. Default: nobody.
	Out io.Writer
}

func (o Options) withDefaults() Options {
	if o.Namespace == "" {
		o.Namespace = Namespace
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	return o
}

// Install puts Weir into the cluster, or brings the one that is there up to date. Nothing is written unless the cluster
// passes every check. The error says what is missing and how to get it.
func Install(ctx context.Context, options Options) error {
	options = options.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, options.Timeout, fmt.Errorf("not done after %s", options.Timeout))
	defer cancel()
	packed, err := loadChart()
	if err != nil {
		return err
	}
	values, err := options.values()
	if err != nil {
		return err
	}
	where, err := dial(options)
	if err != nil {
		return err
	}
	report := reporter{out: options.Out}
	steps := []step{
		{"cluster", func(note func(string)) error { return where.check(ctx, values, note) }},
		{"custom resource definitions", func(note func(string)) error { return where.applyCRDs(ctx, packed, note) }},
		{"chart", func(note func(string)) error { return where.release(ctx, packed, values, note) }},
	}
	if options.Wait {
		steps = append(steps, step{"controllers ready", func(note func(string)) error { return where.awaitController(ctx, note) }})
	}
	return report.run(ctx, steps)
}
