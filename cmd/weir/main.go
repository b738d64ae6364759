// SPDX-License-Identifier: Apache-2.0

// Command weir releases new versions of applications on Istio without a failed request. It is the command line, the
// controller and the local cluster in one binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata" // time zones of windows, also where the image has none
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand() //nolint:contextcheck // commands get theirs when they are run
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := 1
	if ended, ok := errors.AsType[*endError](err); ok {
		code, err = ended.code, ended.err
	} else if err == nil {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "weir:", advise(err))
	}
	return code
}

// endError ends the process with a code of its own. It has no error inside when all there is to say was said.
type endError struct {
	code int
	err  error
}

func (e *endError) Error() string { return fmt.Sprintf("exit code %d: %v", e.code, e.err) }
