// SPDX-License-Identifier: Apache-2.0

// Command simulation lets the release engine judge thousands of versions of which it is known whether they are good, and
// counts how often it is wrong. Nothing takes part but the engine, its analysis, and dice.
//
// Every release has its own dice, seeded by its number: the same seed gives the same figures on any machine.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	o := options{}
	flag.IntVar(&o.releases, "releases", 10000, "how many releases are simulated with each seed")
	flag.Uint64Var(&o.seed, "seed", 1, "of the dice; the first, when there are several")
	flag.IntVar(&o.seeds, "seeds", 1, "how many seeds, one after the other")
	flag.Parse()
	if failed := run(os.Stdout, o); failed > 0 {
		os.Exit(1)
	}
}

// options are how much is simulated.
type options struct {
	seed            uint64
	seeds, releases int
}

// run simulates, tells, and returns how many of the promises are broken.
func run(out io.Writer, o options) (failed int) {
	all := report{}
	for n := range uint64(max(o.seeds, 1)) {
		one := report{}
		for i, outcome := range simulate(o.seed+n, o.releases) {
			one.add(kinds[i%len(kinds)], outcome)
			all.add(kinds[i%len(kinds)], outcome)
		}
		if o.seeds > 1 {
			fmt.Fprintf(out, "seed %d: %s; %s\n", o.seed+n, one.wrongPromotions().words, one.wrongRollbacks().words)
		}
	}
	all.table(out)
	passed := 0
	for _, p := range all.promises() {
		word := "ok  "
		if p.kept {
			passed++
		} else {
			failed++
			word = "FAIL"
		}
		fmt.Fprintf(out, "  %s %s\n", word, p.words)
	}
	fmt.Fprintf(out, "\n%d passed, %d failed\n", passed, failed)
	return failed
}
