// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir.dev/weir/examples/bookinfo/call"
	"weir.dev/weir/examples/bookinfo/fault"
	"weir.dev/weir/examples/bookinfo/origin"
	"weir.dev/weir/examples/bookinfo/review"
	"weir.dev/weir/examples/bookinfo/serve"
)

var services = []string{"productpage", "details", "reviews", "ratings"}

// config is what the command line says.
type config struct {
	self                      origin.Self
	listen                    string
	details, reviews, ratings string
	callTimeout               time.Duration
	stars                     review.Stars
	faults                    fault.Faults
	life                      serve.Options
	exitOnTerm                bool
}

// parse reads "SERVICE [flags]". A flag that is not given is looked up in the environment: --error-rate is
// BOOKINFO_ERROR_RATE.
func parse(args []string, lookup func(string) (string, bool)) (config, error) {
	var c config
	if len(args) == 0 || !slices.Contains(append(services, "-h", "--help", "help"), args[0]) {
		return c, fmt.Errorf("name the service first: bookinfo %s [flags]", strings.Join(services, "|"))
	}
	flags := flag.NewFlagSet("bookinfo "+args[0], flag.ContinueOnError)
	stars := bind(&c, flags)
	if !slices.Contains(services, args[0]) {
		fmt.Fprintf(flags.Output(), "bookinfo %s [flags]\n", strings.Join(services, "|"))
		flags.PrintDefaults()
		return c, flag.ErrHelp
	}
	if err := fromEnvironment(flags, lookup); err != nil {
		return c, err
	}
	if err := flags.Parse(args[1:]); err != nil {
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("%q is too much: everything after the service is a --flag", flags.Arg(0))
	}
	c.self.Service = args[0]
	c.life.Self = c.self
	var err error
	if c.stars, err = review.ParseStars(*stars, c.self.Version); err != nil {
		return c, fmt.Errorf("--stars: %w", err)
	}
	return c, c.validate()
}

func bind(c *config, f *flag.FlagSet) (stars *string) {
	f.StringVar(&c.self.Version, "version", "v1", "version this process answers as")
	f.StringVar(&c.listen, "listen", ":9080", "address to listen on")
	f.StringVar(&c.details, "details", "http://details:9080", "base URL of details (productpage)")
	f.StringVar(&c.reviews, "reviews", "http://reviews:9080", "base URL of reviews (productpage)")
	f.StringVar(&c.ratings, "ratings", "http://ratings:9080", "base URL of ratings (productpage, reviews)")
	f.DurationVar(&c.callTimeout, "call-timeout", call.Timeout, "time a call of another service may take (productpage, reviews)")
	f.Float64Var(&c.faults.ErrorRate, "error-rate", 0, "share of answers, 0 to 1, that are HTTP 500")
	f.DurationVar(&c.faults.Latency, "latency", 0, "time added to every answer")
	f.DurationVar(&c.faults.Jitter, "jitter", 0, "spread of --latency, either way")
	f.DurationVar(&c.life.StartDelay, "start-delay", 0, "time after start until ready")
	f.DurationVar(&c.life.Drain, "drain", 0, "time new connections are still accepted after SIGTERM")
	f.DurationVar(&c.life.Grace, "grace", 10*time.Second, "time requests on their way may take after that")
	f.BoolVar(&c.exitOnTerm, "exit-on-term", false, "exit at once on SIGTERM, dropping requests on their way")
	return f.String("stars", "", "none, black or red (reviews; default: none for v1, black for v2, red from v3 on)")
}

func fromEnvironment(flags *flag.FlagSet, lookup func(string) (string, bool)) error {
	var failed error
	flags.VisitAll(func(f *flag.Flag) {
		name := "BOOKINFO_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(name)
		if !ok || failed != nil {
			return
		}
		if err := f.Value.Set(value); err != nil {
			failed = fmt.Errorf("environment %s=%q: %w", name, value, err)
		}
	})
	return failed
}

func (c config) validate() error {
	if c.self.Version == "" || strings.ContainsAny(c.self.Version, ",= \r\n") {
		return fmt.Errorf("--version %q: give a version without spaces, commas or equals signs", c.self.Version)
	}
	if c.life.StartDelay < 0 || c.life.Drain < 0 || c.life.Grace < 0 {
		return fmt.Errorf("--start-delay %v, --drain %v, --grace %v: none may be negative", c.life.StartDelay, c.life.Drain, c.life.Grace)
	}
	if c.callTimeout <= 0 {
		return fmt.Errorf("--call-timeout %v: must be more than 0", c.callTimeout)
	}
	return c.faults.Validate()
}
