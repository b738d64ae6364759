// SPDX-License-Identifier: Apache-2.0

package load

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Line is the snapshot in one line of at most about 100 columns, for a display that is overwritten.
func (s Snapshot) Line() string {
	line := fmt.Sprintf("%4.0fs  %d requests  %d failed  %d/s  p95 %s", s.Seconds, s.Requests, s.Failed, s.Last.Requests,
		ms(s.Last.Latency.P95))
	if s.InFlight > 0 {
		line += fmt.Sprintf("  %d in flight", s.InFlight)
	}
	return line
}

// Table writes the result for people: totals first, then what failed, who failed and who answered.
func (r *Result) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "requests\t%d\tin %.1f s, %.1f/s sent\n", r.Requests, r.Seconds, r.Rate)
	fmt.Fprintf(t, "ok\t%d\t%s\n", r.OK, share(r.OK, r.Requests))
	fmt.Fprintf(t, "failed\t%d\t%s\n", r.Failed, share(r.Failed, r.Requests))
	for _, kind := range largest(r.Kinds) {
		fmt.Fprintf(t, "  %s\t%d\t\n", kind, r.Kinds[kind])
	}
	if r.Blamed[Unattributed] < r.Failed {
		for _, who := range largest(r.Blamed) {
			fmt.Fprintf(t, "  by %s\t%d\t\n", who, r.Blamed[who])
		}
	}
	fmt.Fprintf(t, "latency\tp50 %s\tp95 %s  p99 %s  max %s\n", ms(r.Latency.P50), ms(r.Latency.P95), ms(r.Latency.P99), ms(r.Latency.Max))
	for _, version := range slices.Sorted(maps.Keys(r.Versions)) {
		c := r.Versions[version]
		fmt.Fprintf(t, "%s\t%d\t%d failed\n", version, c.OK+c.Failed, c.Failed)
	}
	r.first(t)
	return t.Flush()
}

// first shows one failure of each kind, since a number alone helps nobody to find the cause.
func (r *Result) first(w io.Writer) {
	shown := map[string]bool{}
	for _, s := range r.Samples {
		if shown[s.Kind] {
			continue
		}
		shown[s.Kind] = true
		why := cmp.Or(s.Error, s.Reason, s.Body)
		fmt.Fprintf(w, "first %s: %s %s\n", s.Kind, s.Due.Format("15:04:05.000"), strings.Join(strings.Fields(why), " "))
	}
}

// largest returns the names by falling count, equal ones in alphabetical order.
func largest(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

func share(n, of int64) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f %%", 100*float64(n)/float64(of))
}

func ms(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.0f ms", v)
}
