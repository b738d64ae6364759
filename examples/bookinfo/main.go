// SPDX-License-Identifier: Apache-2.0

// Command bookinfo is every service of the Bookinfo example in one binary: productpage, details, reviews and ratings.
// See README.md beside it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"weir.dev/weir/examples/bookinfo/call"
	"weir.dev/weir/examples/bookinfo/detail"
	"weir.dev/weir/examples/bookinfo/fault"
	"weir.dev/weir/examples/bookinfo/page"
	"weir.dev/weir/examples/bookinfo/rating"
	"weir.dev/weir/examples/bookinfo/review"
	"weir.dev/weir/examples/bookinfo/serve"
)

// exitOnTerm is the status of a process that SIGTERM ended.
const exitOnTerm = 128 + int(syscall.SIGTERM)

func main() {
	c, err := parse(os.Args[1:], os.LookupEnv)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bookinfo:", err)
		os.Exit(1)
	}
}

// run serves until SIGTERM or SIGINT.
func run(c config) error {
	listener, err := net.Listen("tcp", c.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if c.exitOnTerm {
		context.AfterFunc(ctx, func() { os.Exit(exitOnTerm) })
	}
	slog.Info("serving", "service", c.self.Service, "version", c.self.Version, "address", listener.Addr().String())
	return serve.New(handler(c), c.life).Run(ctx, listener)
}

// handler is the service that c names, with its faults.
func handler(c config) http.Handler {
	var h http.Handler
	switch c.self.Service {
	case "details":
		h = detail.Handler()
	case "ratings":
		h = rating.Handler()
	case "reviews":
		h = review.Handler(c.self.Version, c.stars, call.New("ratings", c.ratings, c.callTimeout))
	case "productpage":
		h = shop(c).Handler()
	}
	return fault.Inject(c.faults, c.self, nil, h)
}

func shop(c config) *page.Shop {
	host, _ := os.Hostname() // an empty name shows as one on the page.
	return &page.Shop{
		Version: c.self.Version,
		Host:    host,
		Details: call.New("details", c.details, c.callTimeout),
		Reviews: call.New("reviews", c.reviews, c.callTimeout),
		Ratings: call.New("ratings", c.ratings, c.callTimeout),
	}
}
