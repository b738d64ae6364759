// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
)

// releaseDetail shows all of a release, part by part; parts that have nothing to say are left out.
func releaseDetail(w io.Writer, r *api.Release, evidence bool) error {
	fmt.Fprintf(w, "%s of application %s: %s → %s\n%s: %s\n", r.Spec.Component, r.Spec.Application, r.Spec.From, r.Spec.To, phaseWord(*r),
		cmp.Or(r.Status.Message, "the controller has not looked at it yet"))
	if u := r.Spec.Unit; u != nil {
		fmt.Fprintf(w, "One with %s, in unit %s\n", strings.Join(u.Releases, ", "), u.Name)
	}
	parts := []func(io.Writer, *api.Release) error{wantedTable, callerWords, stepTable, gateTable, releaseConditions}
	if evidence {
		parts = append(parts, evidenceTable)
	}
	for _, part := range parts {
		if err := part(w, r); err != nil {
			return err
		}
	}
	return nil
}

func wantedTable(w io.Writer, r *api.Release) error {
	if len(r.Status.Wanted) == 0 {
		return nil
	}
	t := columns(w)
	fmt.Fprintln(t, "\nVERSION\tWANTED\tPODS\tVERIFIED")
	for _, v := range r.Status.Wanted {
		verified := "-"
		if seen := r.Status.Verified; seen != nil {
			verified = servedWords(seen)
			if v.Version == r.Spec.From {
				verified = fmt.Sprintf("%d %%", 100-seen.Weight)
			}
		}
		share := release.Stage{Weight: v.Weight, Match: v.Match, Mirror: v.Mirror}.Share()
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", v.Version, share, v.Replicas, verified)
	}
	return t.Flush()
}

// callerWords say what was seen of the callers, and by what means.
func callerWords(w io.Writer, r *api.Release) error {
	v := r.Status.Verified
	if v == nil {
		return nil
	}
	fmt.Fprintf(w, "\nCallers   %s\n", verifiedWords(r))
	for _, name := range v.Lagging {
		fmt.Fprintf(w, "          behind: %s\n", name)
	}
	return nil
}

// verifiedWords is what every caller serves, in one line.
func verifiedWords(r *api.Release) string {
	v := r.Status.Verified
	switch {
	case v == nil:
		return "not asked yet"
	case len(v.Lagging) > 0:
		return fmt.Sprintf("%d of %d do not serve what is wanted yet (%s)", len(v.Lagging), max(v.Proxies, int32(len(v.Lagging))), v.Method)
	case release.NeedsProof(r.Status) && !meta.IsStatusConditionTrue(r.Status.Conditions, api.ConditionVerified):
		return fmt.Sprintf("not seen yet to serve what is wanted (%s)", v.Method)
	default:
		return fmt.Sprintf("every caller serves %s since %s (%s, %s)", servedWords(v), v.At.Format(time.TimeOnly),
			english.Plural(int(v.Proxies), "proxy", ""), v.Method)
	}
}

// servedWords are what the new version was seen to get.
func servedWords(v *api.Verified) string {
	var parts []string
	if v.Matched {
		parts = append(parts, "requests that match")
	}
	if v.Mirrored {
		parts = append(parts, "copies")
	}
	if v.Weight > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%d %%", v.Weight))
	}
	return strings.Join(parts, ", ")
}

// stepTable shows the steps taken, and those to come.
func stepTable(w io.Writer, r *api.Release) error {
	t := columns(w)
	fmt.Fprintln(t, "\nSTEP\tSHARE\tBEGUN\tVERIFIED AFTER\tREQUESTS\tVERDICT")
	for i, s := range r.Status.Steps {
		verified, requests, verdict := "-", "-", "-"
		if s.VerifiedAt != nil {
			verified = s.VerifiedAt.Sub(s.WantedAt.Time).Round(time.Millisecond).String()
		}
		if v := verdictOf(r, i); v != nil {
			requests, verdict = fmt.Sprint(v.Requests), fmt.Sprintf("%s: %s", v.Result, v.Message)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", i+1, shares(r)[i], s.WantedAt.Format(time.TimeOnly), verified, requests, verdict)
	}
	for i := len(r.Status.Steps); i < len(shares(r)); i++ {
		fmt.Fprintf(t, "%d\t%s\t-\t-\t-\t-\n", i+1, shares(r)[i])
	}
	return t.Flush()
}

// verdictOf is the step's verdict; for the present step that is the newest.
func verdictOf(r *api.Release, step int) *api.Verdict {
	if v := r.Status.Steps[step].Verdict; v != nil || step < len(r.Status.Steps)-1 {
		return v
	}
	return r.Status.Verdict
}

// ahead are the stages still to come; none for a release that has ended or goes back.
func ahead(r *api.Release) []release.Stage {
	if r.Status.Phase.Finished() || r.Status.Reason != "" {
		return nil
	}
	all := release.Stages(r.Spec.Strategy)
	return all[min(int(r.Status.Step), len(all)):]
}

func gateTable(w io.Writer, r *api.Release) error {
	if len(r.Status.Gates) == 0 {
		return nil
	}
	t := columns(w)
	fmt.Fprintln(t, "\nGATE\tAT\tSTATE\tBY\tASKED\tDECIDED\tMESSAGE")
	for _, g := range r.Status.Gates {
		decided := "-"
		if g.DecidedAt != nil {
			decided = g.DecidedAt.Format(time.TimeOnly)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", g.Name, pointWords(g), g.State, cmp.Or(g.By, "-"), g.AskedAt.Format(time.TimeOnly),
			decided, cmp.Or(g.Message, "-"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, g := range waitingApprovals(r) {
		fmt.Fprintf(w, "To open it: weir release approve %s --gate %s -n %s\n", r.Name, g.Name, r.Namespace)
	}
	return nil
}

func pointWords(g api.GateRecord) string {
	switch g.At {
	case api.GateBeforeStart:
		return "before the start"
	case api.GateBeforeStep:
		return fmt.Sprintf("before step %d", g.Step)
	case api.GateBeforePromotion:
		return "before promotion"
	default:
		return "after the end"
	}
}

func releaseConditions(w io.Writer, r *api.Release) error {
	return conditionTable(w, r.Status.Conditions, time.TimeOnly)
}

// conditionTable writes the time since which a condition stands in the layout.
func conditionTable(w io.Writer, conditions []metav1.Condition, layout string) error {
	if len(conditions) == 0 {
		return nil
	}
	t := columns(w)
	fmt.Fprintln(t, "\nCONDITION\tSTATUS\tSINCE\tMESSAGE")
	for _, c := range conditions {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", c.Type, c.Status, c.LastTransitionTime.Format(layout), c.Message)
	}
	return t.Flush()
}

// evidenceTable shows what each verdict is based on. A query stands on a line of its own, to be copied.
func evidenceTable(w io.Writer, r *api.Release) error {
	for i := range r.Status.Steps {
		v := verdictOf(r, i)
		if v == nil {
			continue
		}
		fmt.Fprintf(w, "\nEvidence of step %d, judged %s\n", i+1, v.At.Format(time.TimeOnly))
		t := columns(w)
		for _, e := range v.Evidence {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\tin %s\n", e.Name, e.Value, cmp.Or(e.Bound, "-"), cmp.Or(string(e.Result), "-"), cmp.Or(e.Window, "-"))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, e := range v.Evidence {
			if e.Confidence != "" {
				fmt.Fprintf(w, "  %s: %s\n", e.Name, e.Confidence)
			}
			if e.Query != "" {
				fmt.Fprintf(w, "  %s: %s\n", e.Name, e.Query)
			}
		}
	}
	return nil
}
