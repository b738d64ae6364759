// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
)

const (
	// pathHeader is the path with the query, as Envoy keeps it.
	pathHeader   = ":path"
	agentHeader  = "user-agent"
	cookieHeader = "cookie"
	// safeMethods change nothing at the one who answers (RFC 9110, 9.2.1).
	safeMethods = "GET|HEAD|OPTIONS"
)

// picks turns the user's matches into those of a way's routes. Matches that can never hold there are left out: those of a
// caller in the mesh at the gateway, and paths that lie elsewhere.
func (w way) picks(a *api.Application, matches []api.Match) []*networking.HTTPMatchRequest {
	var out []*networking.HTTPMatchRequest
	for _, m := range matches {
		if w.outside && m.Source != "" {
			continue
		}
		if pick, ok := w.pick(a, m); ok {
			out = append(out, pick)
		}
	}
	return out
}

func (w way) pick(a *api.Application, m api.Match) (*networking.HTTPMatchRequest, bool) {
	out := w.bound()
	out.Headers = map[string]*networking.StringMatch{}
	for _, h := range m.Headers {
		out.Headers[strings.ToLower(h.Name)] = text(h.StringMatch)
	}
	if m.UserAgent != nil {
		out.Headers[agentHeader] = text(*m.UserAgent)
	}
	if len(m.Cookies) > 0 {
		out.Headers[cookieHeader] = regex(CookieExpression(m.Cookies))
	}
	for _, q := range m.Query {
		if out.QueryParams == nil {
			out.QueryParams = map[string]*networking.StringMatch{}
		}
		out.QueryParams[q.Name] = queryText(q.StringMatch)
	}
	if m.Method != "" {
		out.Method = exact(m.Method)
	}
	if m.Source != "" {
		out.SourceLabels, out.SourceNamespace = owner.Selector(a, m.Source, ""), a.Namespace
		if slices.ContainsFunc(a.Spec.Components, func(c api.Component) bool { return c.Name == m.Source && c.External }) {
			out.SourceLabels = map[string]string{owner.LabelApp: m.Source}
		}
	}
	reached := m.Path == nil || w.narrow(out, *m.Path)
	keepOthers(out)
	return out, reached
}

// narrow adds the path to the one that the way is bound to. It is false when no path is in both.
func (w way) narrow(out *networking.HTTPMatchRequest, path api.StringMatch) bool {
	switch {
	case path.Regex != "":
		out.Uri = regex(path.Regex)
		if w.prefix != "" {
			out.Headers[pathHeader] = prefix(w.prefix)
		}
		return true
	case path.Prefix != "":
		if strings.HasPrefix(path.Prefix, w.prefix) {
			out.Uri = prefix(path.Prefix)
			return true
		}
		return strings.HasPrefix(w.prefix, path.Prefix)
	default:
		out.Uri = exact(path.Exact)
		return strings.HasPrefix(path.Exact, w.prefix)
	}
}

// keepOthers keeps istiod from leaving out the routes that follow: after a route for all paths that asks for nothing else
// it sends a proxy no further ones, although the proxy is asked which route is its last.
func keepOthers(m *networking.HTTPMatchRequest) {
	if len(m.Headers)+len(m.QueryParams) == 0 && m.Method == nil &&
		(m.Uri == nil || m.Uri.GetPrefix() == "/" || m.Uri.GetRegex() == ".*") {
		m.Headers[pathHeader] = prefix("/")
	}
}

// withCookie are the way's requests with the one cookie of a cohort.
func (w way) withCookie(name, value string) *networking.HTTPMatchRequest {
	out := w.bound()
	cookies := []api.NamedMatch{{Name: name, StringMatch: api.StringMatch{Exact: value}}}
	out.Headers = map[string]*networking.StringMatch{cookieHeader: regex(CookieExpression(cookies))}
	return out
}

// safe narrows matches to requests that may be answered twice; of the way's own when there are none.
func (w way) safe(matches []*networking.HTTPMatchRequest) []*networking.HTTPMatchRequest {
	if len(matches) == 0 {
		matches = []*networking.HTTPMatchRequest{w.bound()}
	}
	out := make([]*networking.HTTPMatchRequest, 0, len(matches))
	for _, m := range matches {
		narrowed, _ := proto.Clone(m).(*networking.HTTPMatchRequest)
		narrowed.Method = regex(safeMethods)
		out = append(out, narrowed)
	}
	return out
}

// bound is a match of the way's port and path alone.
func (w way) bound() *networking.HTTPMatchRequest {
	out := &networking.HTTPMatchRequest{Port: w.port}
	if w.prefix != "" {
		out.Uri = prefix(w.prefix)
	}
	var others []string
	for _, path := range w.others {
		if strings.HasPrefix(path, w.prefix) {
			others = append(others, regexp.QuoteMeta(path))
		}
	}
	if len(others) > 0 {
		out.WithoutHeaders = map[string]*networking.StringMatch{pathHeader: regex("(" + strings.Join(others, "|") + ").*")}
	}
	return out
}

// queryText has no prefixes, which older versions of Istio do not know in a query.
func queryText(m api.StringMatch) *networking.StringMatch {
	if m.Prefix != "" {
		return regex(regexp.QuoteMeta(m.Prefix) + ".*")
	}
	return text(m)
}

func text(m api.StringMatch) *networking.StringMatch {
	switch {
	case m.Regex != "":
		return regex(m.Regex)
	case m.Prefix != "":
		return prefix(m.Prefix)
	default:
		return exact(m.Exact)
	}
}

func exact(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: s}}
}

func prefix(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: s}}
}

func regex(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: s}}
}
