// SPDX-License-Identifier: Apache-2.0

// Package demo shows Weir at work: Bookinfo on the local cluster, a load on it, and a release of its reviews.
package demo

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/cluster"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/load"
)

// Names of what is shown.
const (
	application = "bookinfo"
	component   = "reviews"
	strategy    = "quick-canary"
)

// Options say what is shown.
type Options struct {
	// Cluster is the local cluster to use; it is made if it is not there.
	Cluster cluster.Options
	// Namespace that Bookinfo runs in.
	Namespace string
	// Bad releases a version of which one answer in twenty is an error.
	Bad bool
	// Rate of the load in requests per second.
	Rate float64
	// Bookinfo is the path of the bookinfo binary.
	Bookinfo string
	// Image builds the image of Weir at the path it is given and returns the image's name.
	Image func(out string) (string, error)
	// Out is where progress goes; Live says that it is a terminal.
	Out  io.Writer
	Live bool
}

// Times around the release in which the load runs alone.
const (
	before = 3 * time.Second
	after  = 3 * time.Second
	// longest bounds a release and so the load.
	longest = 15 * time.Minute
)

// Run prepares everything, releases a version under load and returns what came of it. Everything is left running.
// The error is about the demonstration; a release that went back is no error.
func Run(ctx context.Context, o Options) (*Result, error) {
	info, err := up(ctx, o)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", info.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", info.Kubeconfig, err)
	}
	c, err := client.New(config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		return nil, fmt.Errorf("reach the cluster: %w", err)
	}
	s := &stage{options: o, info: info, client: c}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	return s.perform(ctx)
}

// stage is one run of the demonstration.
type stage struct {
	options Options
	info    cluster.Info
	client  client.Client
}

// url is where Bookinfo's page answers.
func (s *stage) url() string { return page(s.info.GatewayURL) }

func page(gateway string) string { return gateway + "/productpage" }

func (s *stage) perform(ctx context.Context) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	runner, err := load.Start(ctx, Load(s.info.GatewayURL, s.options.Rate, longest))
	if err != nil {
		return nil, err
	}
	defer runner.Stop()
	if err := rest(ctx, before); err != nil {
		return nil, err
	}
	release, err := s.change(ctx)
	if err != nil {
		return nil, err
	}
	done, err := s.follow(ctx, release, runner)
	if err != nil {
		return nil, err
	}
	if err := rest(ctx, after); err != nil {
		return nil, err
	}
	runner.Stop()
	return summarize(done, runner.Wait()), nil
}

// Load is a load on Bookinfo behind a gateway that knows how Bookinfo says which version failed, and why.
func Load(gateway string, rate float64, duration time.Duration) load.Options {
	return load.Options{
		URL: page(gateway), Rate: rate, Duration: duration,
		VersionHeader: "x-bookinfo-versions", FailedHeader: "x-bookinfo-failed", ReasonHeader: "x-bookinfo-reason",
	}
}

// rest lets the load run alone for a while.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
