// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/load"
)

// How a release can end.
const (
	Promoted   = "promoted"
	RolledBack = "rolledBack"
)

// Result is what came of the demonstration.
type Result struct {
	// Result is Promoted or RolledBack.
	Result string `json:"result"`
	From   string `json:"from"`
	To     string `json:"to"`
	// Requests were sent in all, the stretches before and after the release included; Failed of them failed.
	Requests int64 `json:"requests"`
	Failed   int64 `json:"failed"`
	// FailedByNew of those were the new version's own errors.
	FailedByNew int64 `json:"failedByNew"`
	// Rate is the requests sent per second.
	Rate float64 `json:"rate"`
	// P95 is the latency in milliseconds.
	P95 float64 `json:"p95Milliseconds"`
	// Seconds is how long the release took.
	Seconds float64 `json:"seconds"`
	// BackSeconds is the time from the verdict until every caller served the old version alone, if the release went back.
	BackSeconds *float64 `json:"backSeconds,omitempty"`
	// Reason and Message say why the release ended as it did.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message"`
	Steps   []Step `json:"steps"`
	// Samples are the first failures that the new version is not to blame for.
	Samples []load.Sample `json:"samples,omitempty"`
}

// Step is one weight of the release.
type Step struct {
	Weight     int32      `json:"weight"`
	WantedAt   time.Time  `json:"wantedAt"`
	VerifiedAt *time.Time `json:"verifiedAt"`
	// Seconds until the next step, or the end.
	Seconds  float64 `json:"seconds"`
	Requests int64   `json:"requests"`
	Verdict  string  `json:"verdict,omitempty"`
}

// summarize joins what the release recorded with what the load saw.
func summarize(release *api.Release, l *load.Result) *Result {
	status := release.Status
	out := &Result{
		Result: RolledBack, From: release.Spec.From, To: release.Spec.To, Requests: l.Requests, Failed: l.Failed,
		FailedByNew: l.Blamed[component+" "+release.Spec.To], Rate: l.Rate, P95: l.Latency.P95,
		Reason: status.Reason, Message: status.Message,
	}
	if status.Phase == api.ReleasePromoted {
		out.Result = Promoted
	}
	if status.StartedAt != nil && status.FinishedAt != nil {
		out.Seconds = status.FinishedAt.Sub(status.StartedAt.Time).Seconds()
	}
	if v := status.Verified; out.Result == RolledBack && v != nil && v.Weight == 0 && status.Verdict != nil {
		out.BackSeconds = new(v.At.Sub(status.Verdict.At.Time).Seconds())
	}
	out.Steps = steps(status)
	out.Samples = slices.DeleteFunc(slices.Clone(l.Samples), func(s load.Sample) bool {
		return slices.Contains(s.Blamed, component+" "+release.Spec.To)
	})
	return out
}

func steps(status api.ReleaseStatus) []Step {
	out := make([]Step, 0, len(status.Steps))
	for i, record := range status.Steps {
		s := Step{Weight: record.Weight, WantedAt: record.WantedAt.Time}
		end := status.FinishedAt
		if i+1 < len(status.Steps) {
			end = &status.Steps[i+1].WantedAt
		}
		if end != nil {
			s.Seconds = end.Sub(record.WantedAt.Time).Seconds()
		}
		if record.VerifiedAt != nil {
			s.VerifiedAt = new(record.VerifiedAt.Time)
		}
		if record.Verdict != nil {
			s.Requests, s.Verdict = record.Verdict.Requests, record.Verdict.Message
		}
		out = append(out, s)
	}
	return out
}

// Unexpected says what went otherwise than the demonstration promises; nil when nothing did.
func (r *Result) Unexpected(bad bool) error {
	want := Promoted
	if bad {
		want = RolledBack
	}
	switch {
	case r.Result != want:
		return fmt.Errorf("the release was to be %s and is %s: %s", want, r.Result, r.Message)
	case r.Failed > r.FailedByNew:
		return fmt.Errorf("%d requests failed that were not the new version's own errors", r.Failed-r.FailedByNew)
	case !bad && r.Failed > 0:
		return fmt.Errorf("%d requests failed", r.Failed)
	}
	return nil
}

// Table writes the result for people.
func (r *Result) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nWEIGHT\tTIME\tVERIFIED AFTER\tREQUESTS\tVERDICT\n")
	for _, s := range r.Steps {
		verified := "-"
		if s.VerifiedAt != nil {
			verified = fmt.Sprintf("%d ms", s.VerifiedAt.Sub(s.WantedAt).Milliseconds())
		}
		verdict, _, _ := strings.Cut(s.Verdict, "\n")
		fmt.Fprintf(t, "%d %%\t%.1f s\t%s\t%d\t%s\n", s.Weight, s.Seconds, verified, s.Requests, verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s %s → %s: %s in %.1f s\n", component, r.From, r.To, words[r.Result], r.Seconds)
	if r.Reason != "" {
		fmt.Fprintf(w, "%s\n", r.Message)
	}
	if r.BackSeconds != nil {
		fmt.Fprintf(w, "every caller was back on %s %.1f s after the verdict\n", r.From, *r.BackSeconds)
	}
	_, err := fmt.Fprintf(w, "%d requests at %.0f/s, %d failed%s, P95 %.0f ms\n", r.Requests, r.Rate, r.Failed, r.blame(), r.P95)
	return err
}

var words = map[string]string{Promoted: "promoted", RolledBack: "rolled back"}

func (r *Result) blame() string {
	if r.Failed == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of them errors of %s itself)", r.FailedByNew, r.To)
}
