// SPDX-License-Identifier: Apache-2.0

// Command test runs the test suites it is given, shows how far they are, and ends with one line: N passed, N failed.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run runs the named suites, all of them even if one fails, and returns the exit code.
func run(ctx context.Context, names []string) int {
	var total tally
	var notes []string
	for _, name := range names {
		suite, ok := suites[name]
		if !ok {
			notes = append(notes, fmt.Sprintf("there is no suite %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(suites)), ", ")))
			total.failed++
			continue
		}
		result, err := suite.run(ctx)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s: %v", suite.name, err))
			result.failed++
		}
		total.add(result)
	}
	fmt.Println()
	for _, failure := range append(total.failures, notes...) {
		fmt.Println("FAILED", failure)
	}
	if total.passed+total.failed == 0 {
		fmt.Println("FAILED no test ran:", strings.Join(names, " "))
		total.failed++
	}
	fmt.Println(total)
	if total.failed > 0 || ctx.Err() != nil {
		return 1
	}
	return 0
}
