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
	releases := flag.Int("releases", 10000, "how many releases are simulated")
	seed := flag.Uint64("seed", 1, "of the dice")
	flag.Parse()
	if failed := run(os.Stdout, *seed, *releases); failed > 0 {
		os.Exit(1)
	}
}

// run simulates, tells, and returns how many of the promises are broken.
func run(out io.Writer, seed uint64, releases int) (failed int) {
	r := report{}
	for i, o := range simulate(seed, releases) {
		r.add(kinds[i%len(kinds)], o)
	}
	r.table(out)
	passed := 0
	for _, p := range r.promises() {
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
