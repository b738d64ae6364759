// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"weir.dev/weir/internal/plan/routing"
)

// condition is one thing that a match asks for, in words of what it found.
type condition struct {
	holds bool
	words string
}

// takes tells whether the route takes the request, and why: what holds of the first match that does, or what is missing of each.
func (r Request) takes(route *networking.HTTPRoute) (bool, []string) {
	if len(route.Match) == 0 {
		return true, []string{"it takes every request"}
	}
	var missing []string
	for _, m := range route.Match {
		conditions := r.conditions(m)
		lacks := slices.DeleteFunc(slices.Clone(conditions), func(c condition) bool { return c.holds })
		if len(lacks) == 0 {
			if words := wordsOf(conditions); words != "" {
				return true, []string{words}
			}
			return true, []string{"it takes every request"}
		}
		missing = append(missing, wordsOf(lacks))
	}
	return false, missing
}

func wordsOf(conditions []condition) string {
	words := make([]string, 0, len(conditions))
	for _, c := range conditions {
		words = append(words, c.words)
	}
	return strings.Join(words, ", and ")
}

// conditions are all that the match asks for, in an order that does not change.
func (r Request) conditions(m *networking.HTTPMatchRequest) []condition {
	out := r.origin(m.Port, m.SourceNamespace, m.SourceLabels)
	path, query := r.split()
	if m.Uri != nil {
		out = append(out, compare("path", m.Uri, path, true, m.IgnoreUriCase))
	}
	if m.Method != nil {
		out = append(out, compare("method", m.Method, r.Method, true, false))
	}
	if m.Authority != nil {
		out = append(out, compare("host", m.Authority, r.Host, true, false))
	}
	if m.Scheme != nil {
		out = append(out, compare("scheme", m.Scheme, "http", true, false))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		value, there := r.header(name)
		out = append(out, compareHeader(name, m.Headers[name], value, there))
	}
	for _, name := range slices.Sorted(maps.Keys(m.WithoutHeaders)) {
		value, there := r.header(name)
		c := compareHeader(name, m.WithoutHeaders[name], value, there)
		out = append(out, condition{!c.holds, c.words})
	}
	for _, name := range slices.Sorted(maps.Keys(m.QueryParams)) {
		out = append(out, compare("query "+name, m.QueryParams[name], query.Get(name), query.Has(name), false))
	}
	return out
}

// origin are the conditions on where the request comes from and which port it asks for.
func (r Request) origin(port uint32, namespace string, labels map[string]string) []condition {
	var out []condition
	if port != 0 {
		out = append(out, found(r.Port == port || r.Port == 0, "port", fmt.Sprint(port), fmt.Sprint(r.Port)))
	}
	if namespace != "" {
		out = append(out, found(!r.Outside && r.Namespace == namespace, "the caller's namespace", namespace, r.Namespace))
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, found(!r.Outside && r.Source[name] == labels[name], "the caller's label "+name, labels[name], r.Source[name]))
	}
	return out
}

func found(holds bool, what, wanted, is string) condition {
	switch {
	case holds:
		return condition{true, fmt.Sprintf("%s is %s", what, wanted)}
	case is == "":
		return condition{false, fmt.Sprintf("%s is not known to be %s", what, wanted)}
	default:
		return condition{false, fmt.Sprintf("%s is %s, not %s", what, is, wanted)}
	}
}

// header is the header's value, or that of one of the pseudo headers that Envoy keeps beside them.
func (r Request) header(name string) (string, bool) {
	switch name = strings.ToLower(name); name {
	case ":path":
		return r.Path, true
	case ":method":
		return r.Method, true
	case ":authority":
		return r.Host, true
	}
	value, there := r.Headers[name]
	return value, there
}

// split parts the path from the query, as Envoy does: a fragment is no part of either.
func (r Request) split() (string, url.Values) {
	path, _, _ := strings.Cut(r.Path, "#")
	path, raw, _ := strings.Cut(path, "?")
	// What cannot be read is left out; the rest is kept.
	query, _ := url.ParseQuery(raw)
	return path, query
}

// compareHeader knows the expressions by which cookies are looked for.
func compareHeader(name string, how *networking.StringMatch, value string, there bool) condition {
	cookie, text, ok := routing.ReadCookie(how.GetRegex())
	if !strings.EqualFold(name, "cookie") || !ok {
		return compare("header "+name, how, value, there, false)
	}
	if there && routing.Fully(how.GetRegex(), value) {
		return condition{true, fmt.Sprintf("cookie %s is %s", cookie, text)}
	}
	return condition{false, fmt.Sprintf("cookie %s is not %s", cookie, text)}
}

// compare holds a value against what it should be; without a way to compare, being there is enough.
func compare(what string, how *networking.StringMatch, value string, there, anyCase bool) condition {
	var holds bool
	var is, isNot, wanted string
	switch m := how.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		is, isNot, wanted = "is", "is not", m.Exact
		holds = value == m.Exact || anyCase && strings.EqualFold(value, m.Exact)
	case *networking.StringMatch_Prefix:
		is, isNot, wanted = "begins with", "does not begin with", m.Prefix
		n := len(m.Prefix)
		holds = strings.HasPrefix(value, m.Prefix) || anyCase && len(value) >= n && strings.EqualFold(value[:n], m.Prefix)
	case *networking.StringMatch_Regex:
		is, isNot, wanted = "matches", "does not match", m.Regex
		holds = routing.Fully(m.Regex, value)
	default:
		holds, is, isNot, wanted = true, "is", "is not", "there"
	}
	if there && holds {
		return condition{true, fmt.Sprintf("%s %s %s", what, is, wanted)}
	}
	return condition{false, fmt.Sprintf("%s %s %s", what, isNot, wanted)}
}

// takesStream tells whether the route takes the connection, and why.
func (r Request) takesStream(route *networking.TCPRoute) (bool, []string) {
	if len(route.Match) == 0 {
		return true, []string{"it takes every connection"}
	}
	var missing []string
	for _, m := range route.Match {
		conditions := r.origin(m.Port, m.SourceNamespace, m.SourceLabels)
		lacks := slices.DeleteFunc(slices.Clone(conditions), func(c condition) bool { return c.holds })
		if len(lacks) == 0 {
			return true, []string{wordsOf(conditions)}
		}
		missing = append(missing, wordsOf(lacks))
	}
	return false, missing
}
