// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
)

// mostMatches is how many matches are told apart in one line.
const mostMatches = 3

// Share words what the new version has in the stage, such as "10 %" or "requests with header end-user jason, copies of 50 %".
func (s Stage) Share() string {
	var parts []string
	for _, m := range s.Match {
		parts = append(parts, "requests "+matchWords(m))
	}
	if n := len(parts); n > mostMatches {
		parts = append(parts[:mostMatches-1], fmt.Sprintf("requests of %d other matches", n-mostMatches+1))
	}
	if len(parts) > 1 {
		parts = []string{strings.Join(parts, " or ")}
	}
	if s.Mirror != nil {
		parts = append(parts, mirrorWords(*s.Mirror))
	}
	if s.Weight > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%d %%", s.Weight))
	}
	return strings.Join(parts, ", ")
}

func mirrorWords(m api.Mirror) string {
	percent := m.Percent
	if percent == 0 {
		percent = whole
	}
	what := "safe requests"
	if m.Methods == api.MirrorAll {
		what = "all requests"
	}
	return fmt.Sprintf("copies of %d %% of %s", percent, what)
}

func matchWords(m api.Match) string {
	var parts []string
	named := func(kind string, all []api.NamedMatch) {
		for _, n := range all {
			parts = append(parts, fmt.Sprintf("with %s %s %s", kind, n.Name, textWords(n.StringMatch)))
		}
	}
	if m.Method != "" {
		parts = append(parts, "by "+m.Method)
	}
	if m.Path != nil {
		parts = append(parts, "to path "+textWords(*m.Path))
	}
	named("header", m.Headers)
	named("cookie", m.Cookies)
	named("query", m.Query)
	if m.UserAgent != nil {
		parts = append(parts, "with user agent "+textWords(*m.UserAgent))
	}
	if m.Source != "" {
		parts = append(parts, "from "+m.Source)
	}
	return strings.Join(parts, " and ")
}

func textWords(m api.StringMatch) string {
	switch {
	case m.Prefix != "":
		return m.Prefix + "…"
	case m.Regex != "":
		return "/" + m.Regex + "/"
	default:
		return m.Exact
	}
}
