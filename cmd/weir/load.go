// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir.dev/weir/internal/load"
)

// How often the progress is shown: overwritten on a terminal, line after line elsewhere.
const (
	loadRefresh = 500 * time.Millisecond
	loadLines   = 10 * time.Second
)

// loadFlags is what the command line of weir load says beside load.Options.
type loadFlags struct {
	load.Options
	headers   []string
	body      string
	format    string
	maxFailed int64
}

func newLoadCommand() *cobra.Command {
	f := &loadFlags{}
	c := &cobra.Command{
		Use:   "load URL",
		Short: "Send requests at a fixed rate and count what comes of them",
		Long: "Send requests at a fixed rate, whatever the answers do. Latency is measured from the instant a request was due,\n" +
			"so that a server that stalls is charged for every request that had to wait.",
		Example: "  weir load http://localhost:8080/productpage --rate 100 --duration 30s\n" +
			"  weir load http://localhost:8080/ --host shop.example.com --max-failed 0 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			f.URL = args[0]
			return runLoad(cmd, f)
		},
	}
	f.bind(c)
	return c
}

func (f *loadFlags) bind(c *cobra.Command) {
	flags := c.Flags()
	flags.Float64Var(&f.Rate, "rate", 100, "requests per second")
	flags.DurationVar(&f.Duration, "duration", 30*time.Second, "how long to send; 0: until interrupted")
	flags.IntVar(&f.MaxRequests, "max-requests", 1_000_000, "stop after this many")
	flags.IntVar(&f.MaxInFlight, "max-in-flight", 512, "requests that may wait for an answer; those beyond are dropped, which is a failure")
	flags.DurationVar(&f.Timeout, "timeout", 10*time.Second, "for one request")
	flags.StringVarP(&f.Method, "request", "X", http.MethodGet, "method")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "'Name: value', may be repeated")
	flags.StringVarP(&f.body, "data", "d", "", "body")
	flags.StringVar(&f.Host, "host", "", "host to ask for, instead of that of the URL")
	flags.BoolVar(&f.HTTP2, "http2", false, "speak HTTP/2, without TLS by prior knowledge")
	flags.BoolVarP(&f.Insecure, "insecure", "k", false, "accept any TLS certificate")
	flags.IntVar(&f.FailFrom, "fail-from", http.StatusBadRequest, "lowest status that counts as failed")
	flags.StringVar(&f.VersionHeader, "version-header", "x-bookinfo-versions", "header of the answers that lists who answered")
	flags.StringVar(&f.FailedHeader, "failed-header", "x-bookinfo-failed", "header of failed answers that lists who is to blame")
	flags.StringVar(&f.ReasonHeader, "reason-header", "x-bookinfo-reason", "header of failed answers that says why")
	flags.Int64Var(&f.maxFailed, "max-failed", -1, "exit with status 1 if more than this many fail; -1: never")
	addFormatFlag(c, &f.format)
}

func runLoad(cmd *cobra.Command, f *loadFlags) error {
	if err := checkFormat(f.format); err != nil {
		return err
	}
	var err error
	if f.Header, err = parseHeaders(f.headers); err != nil {
		return err
	}
	f.Body = []byte(f.body)
	runner, err := load.Start(cmd.Context(), f.Options)
	if err != nil {
		return err
	}
	watchLoad(runner, cmd.ErrOrStderr())
	result := runner.Wait()
	if err := show(cmd.OutOrStdout(), f.format, result, result.Table); err != nil {
		return err
	}
	if f.maxFailed >= 0 && result.Failed > f.maxFailed {
		return fmt.Errorf("%d of %d requests failed, more than --max-failed %d", result.Failed, result.Requests, f.maxFailed)
	}
	return nil
}

// watchLoad shows the progress on w until the load is over.
func watchLoad(runner *load.Runner, w io.Writer) {
	every, format, end := loadLines, "%s\n", ""
	if isTerminal(w) {
		every, format, end = loadRefresh, "\r\x1b[K%s", "\r\x1b[K"
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			fmt.Fprintf(w, format, runner.Snapshot().Line())
		case <-runner.Done():
			fmt.Fprint(w, end)
			return
		}
	}
}

func parseHeaders(lines []string) (http.Header, error) {
	header := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("--header %q: give 'Name: value'", line)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	return header, nil
}
