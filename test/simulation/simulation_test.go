// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestShort is the simulation in its short form.
func TestShort(t *testing.T) {
	var out bytes.Buffer
	if failed := run(&out, options{seed: 1, seeds: 2, releases: 5 * len(kinds)}); failed > 0 {
		t.Errorf("%d promises are broken", failed)
	}
	t.Logf("\n%s", &out)
	if !regexp.MustCompile(`\n[1-9][0-9]* passed, 0 failed\n$`).Match(out.Bytes()) {
		t.Errorf("the last line is not what it should be:\n%s", &out)
	}
}

// TestSees: versions that are wrong by too little to be seen are promoted, and versions that only chance speaks against
// would be turned back by who does not know chance. So the simulation can count both.
func TestSees(t *testing.T) {
	r := report{}
	for i, k := range kinds {
		for n := range map[truth]int{open: 50, good: 3}[k.truth] {
			r.add(k, play(k, rand.New(rand.NewPCG(uint64(i), uint64(n)))))
		}
	}
	if r.of(string(open)).ends[promoted] == 0 {
		t.Error("no version that is barely beyond its bounds was promoted")
	}
	if r.of(string(open)).ends[back] == 0 {
		t.Error("no version that is barely beyond its bounds was turned back")
	}
	if g := r.of(string(good)); g.plain <= g.releases/100 {
		t.Errorf("a comparison without regard to chance was wrong in %d of %d cases only", g.plain, g.releases)
	}
}

func TestPromises(t *testing.T) {
	for name, c := range map[string]struct {
		truth truth
		ends  []end
		kept  bool
	}{
		"a good version is promoted":         {good, []end{promoted}, true},
		"a good version is turned back":      {good, []end{back}, false},
		"a good version waits for ever":      {good, []end{held}, false},
		"a bad version is turned back":       {bad, []end{back}, true},
		"a bad version is promoted":          {bad, []end{promoted}, false},
		"one bad version of two is promoted": {bad, []end{back, promoted}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := report{}
			for _, k := range kinds {
				ends := []end{map[truth]end{good: promoted, bad: back}[k.truth]}
				if k.truth == c.truth {
					ends = c.ends
				}
				for _, e := range ends {
					r.add(k, outcome{end: e})
				}
			}
			kept := true
			for _, p := range r.promises() {
				kept = kept && p.kept
			}
			if kept != c.kept {
				t.Errorf("want %t, got %+v", c.kept, r.promises())
			}
		})
	}
}

// TestSameSeed: the same seed makes the same releases, whatever processors there are.
func TestSameSeed(t *testing.T) {
	a, b := simulate(3, 30), simulate(3, 30)
	if diff := cmp.Diff(a, b, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("first, second: %s", diff)
	}
	if cmp.Equal(a, simulate(4, 30), cmp.AllowUnexported(outcome{})) {
		t.Error("another seed makes the same releases")
	}
}

func TestPoisson(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 1))
	for _, mean := range []float64{0, 0.1, 3, 30, 100.5} {
		const n = 20000
		var sum, squares float64
		for range n {
			x := float64(poisson(d, mean))
			sum += x
			squares += x * x
		}
		is := sum / n
		variance := squares/n - is*is
		if tolerance := 0.05*mean + 0.01; is < mean-tolerance || is > mean+tolerance || variance < mean-2*tolerance || variance > mean+2*tolerance {
			t.Errorf("mean %g, variance %g, want %g for both", is, variance, mean)
		}
	}
}
