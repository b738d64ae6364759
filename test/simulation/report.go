// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// What is promised, as shares of the releases of bad and of good versions.
const (
	mostWrongPromotions = 0.001
	mostWrongRollbacks  = 0.005
)

// report counts outcomes by kind.
type report struct{ lines map[string]*line }

// line is the outcomes of a kind, or of several.
type line struct {
	releases int
	ends     map[end]int
	requests float64
	lasted   time.Duration
	verdicts []float64
	plain    int
}

func (l *line) add(o outcome) {
	if l.ends == nil {
		l.ends = map[end]int{}
	}
	l.releases++
	l.ends[o.end]++
	l.requests += o.requests
	l.lasted += o.lasted
	l.verdicts = append(l.verdicts, o.verdicts...)
	if o.plain {
		l.plain++
	}
}

func (l *line) share(e end) float64 { return float64(l.ends[e]) / float64(max(l.releases, 1)) }

// verdict is how many requests a step was judged by when it ended, at the mean.
func (l *line) verdict() float64 {
	sum := 0.0
	for _, n := range l.verdicts {
		sum += n
	}
	return sum / float64(max(len(l.verdicts), 1))
}

func (r *report) add(k kind, o outcome) {
	if r.lines == nil {
		r.lines = map[string]*line{}
	}
	for _, name := range []string{k.name, string(k.truth), ""} {
		if r.lines[name] == nil {
			r.lines[name] = &line{}
		}
		r.lines[name].add(o)
	}
}

// of is the line of a kind or a truth; all of them for no name.
func (r *report) of(name string) *line {
	if l := r.lines[name]; l != nil {
		return l
	}
	return &line{}
}

// table tells what became of each kind.
func (r *report) table(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "version\tis\treleases\tpromoted\tback\theld\trequests a verdict\trequests in all\ttime")
	for _, k := range kinds {
		l := r.of(k.name)
		n := float64(max(l.releases, 1))
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%.0f\t%.0f\t%s\n", k.name, k.truth, l.releases, l.ends[promoted], l.ends[back], l.ends[held],
			l.verdict(), l.requests/n, (l.lasted / time.Duration(n)).Round(time.Second))
	}
	_ = w.Flush() // what out cannot take is out's to tell
	fmt.Fprintf(out, "\nrequests needed for a verdict: %.0f at the mean; %.0f of a good version, %.0f of a bad one\n",
		r.of("").verdict(), r.of(string(good)).verdict(), r.of(string(bad)).verdict())
	g := r.of(string(good))
	fmt.Fprintf(out, "a comparison without regard to chance would have turned back %.1f %% of the good versions\n\n",
		100*float64(g.plain)/float64(max(g.releases, 1)))
}

// promise is something that has to hold.
type promise struct {
	words string
	kept  bool
}

func (r *report) wrongPromotions() promise {
	return r.most("wrong promotions", string(bad), promoted, mostWrongPromotions)
}

func (r *report) wrongRollbacks() promise {
	return r.most("wrong rollbacks", string(good), back, mostWrongRollbacks)
}

func (r *report) promises() []promise {
	all := []promise{r.wrongPromotions(), r.wrongRollbacks()}
	for _, k := range kinds {
		if want, asked := map[truth]end{good: promoted, bad: back}[k.truth]; asked && k.held < 1 {
			l := r.of(k.name)
			all = append(all, promise{
				words: fmt.Sprintf("%s, which is %s: %d of %d %s", k.name, k.truth, l.ends[want], l.releases, want),
				kept:  l.share(want) >= 0.98-k.held,
			})
		}
	}
	return all
}

func (r *report) most(what, of string, wrong end, most float64) promise {
	l := r.of(of)
	return promise{
		words: fmt.Sprintf("%s: %d of %d (%.3f %%), at most %.1f %%", what, l.ends[wrong], l.releases, 100*l.share(wrong), 100*most),
		kept:  l.releases > 0 && l.share(wrong) <= most,
	}
}
