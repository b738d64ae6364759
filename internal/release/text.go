// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	api "weir.dev/weir/api/v1alpha1"
)

// also parts the cause of the way back, or the word paused, from what is waited for.
const also = " · "

// share words what the new version has.
func share(spec api.ReleaseSpec, s Stage) string {
	var parts []string
	if s.Weight > 0 {
		parts = append(parts, fmt.Sprintf("%d %%", s.Weight))
	}
	if len(s.Match) > 0 {
		parts = append(parts, "the requests that match")
	}
	if s.Mirror != nil {
		parts = append(parts, fmt.Sprintf("copies of %d %%", s.Mirror.Percent))
	}
	switch {
	case len(parts) == 0:
		return spec.From + " alone"
	case s.everything():
		return spec.To + " alone"
	default:
		return spec.To + " with " + strings.Join(parts, " and ")
	}
}

// cause is why the release is on the way back, as it was said when it turned.
func cause(s api.ReleaseStatus) string {
	said, _, _ := strings.Cut(s.Message, also)
	return said
}

func (v view) problem() string {
	if v.seen.To.Problem == "" {
		return ""
	}
	return ": " + oneLine(v.seen.To.Problem)
}

func (v view) podWords() string { return v.readyWords() + v.problem() }

func (v view) readyWords() string {
	ready, all := v.seen.To.Ready, v.receiver(v.stage())
	words := fmt.Sprintf("%d of %s of %s ready", ready, english.Plural(int(all), "pod", ""), v.spec.To)
	if ready >= all && !v.seen.To.Available {
		words += ", the workload is still rolling out"
	}
	return words
}

// proofWords say which callers are waited for, or why nobody can tell.
func (v view) proofWords() string {
	want := "serve " + share(v.spec, v.stage())
	if v.in(api.ReleaseConnecting) {
		want = "know " + v.spec.To
	}
	if err := v.seen.ProofError; err != nil {
		return "whether callers " + want + " is not known: " + oneLine(err.Error())
	}
	names := v.seen.Proof.Lagging
	if len(names) == 0 {
		waits := ""
		if v.seen.Proof.Waits != "" {
			waits = ": " + oneLine(v.seen.Proof.Waits)
		}
		return "callers do not " + want + " yet" + waits
	}
	do, more := "do", ""
	if len(names) == 1 {
		do = "does"
	}
	if len(names) > 3 {
		more = ", …"
	}
	return fmt.Sprintf("%d of %s %s not %s yet: %s%s", len(names), english.Plural(max(v.seen.Proof.Proxies, len(names)), "caller", ""),
		do, want, strings.Join(names[:min(len(names), 3)], ", "), more)
}

func (v view) watchWords() string {
	served := "callers serve " + share(v.spec, v.stage())
	if v.in(api.ReleaseShifting) || v.status.Verdict == nil || !judges(v.spec, v.status) {
		return served
	}
	return served + ": " + v.status.Verdict.Message
}

// waitWords is what a paused release would otherwise wait for.
func (v view) waitWords() string {
	switch {
	case v.in(api.ReleaseWaiting):
		return "the gates before the start are not open"
	case v.in(api.ReleasePreparing), v.in(api.ReleaseObserving) && !v.podsReady():
		return v.podWords()
	case v.in(api.ReleaseConnecting, api.ReleaseShifting) && !v.served:
		return v.proofWords()
	default:
		return v.watchWords()
	}
}

func (v view) drainWords() string {
	if v.goingBack() {
		return cause(v.status) + also + "requests in flight to " + v.spec.To + " end"
	}
	return "requests in flight to " + v.spec.From + " end"
}

func (v view) retireWords() string {
	if v.goingBack() {
		return cause(v.status) + also + leftWords(v.spec.To, v.seen.To)
	}
	return leftWords(v.spec.From, v.seen.From) + v.tooLate()
}

func leftWords(version string, p Pods) string {
	if p.Present == 0 {
		return "the workload of " + version + " ends"
	}
	return fmt.Sprintf("%s of %s left", english.Plural(int(p.Present), "pod", ""), version)
}

func (v view) promotedWords() string { return v.spec.To + " serves everything" + v.tooLate() }

// tooLate answers commands that came after the old version's pods were told to go.
func (v view) tooLate() string {
	switch {
	case v.spec.Abort:
		return ", the abort came too late"
	case v.isSuperseded():
		return ", " + v.seen.Desired + " follows"
	default:
		return ""
	}
}

// oneLine keeps words of others short and free of our own mark.
func oneLine(s string) string {
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), strings.TrimSpace(also), "-")
	if r := []rune(s); len(r) > 200 {
		return string(r[:199]) + "…"
	}
	return s
}

// short leaves out the units that are nought: 5m instead of 5m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
