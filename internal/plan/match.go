// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"weir.dev/weir/internal/plan/routing"
)

// token is what a cookie may be called (RFC 6265, 4.1.1).
var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// matches checks that each match of a route can be read by a proxy, and can hold.
func (c *checker) matches(field string, route *networking.HTTPRoute) {
	for i, m := range route.Match {
		field := fmt.Sprintf("%s.match[%d]", field, i)
		c.text(field+".uri", m.Uri)
		c.text(field+".method", m.Method)
		for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
			c.text(fmt.Sprintf("%s.headers[%s]", field, name), m.Headers[name])
		}
		for _, name := range slices.Sorted(maps.Keys(m.QueryParams)) {
			c.text(fmt.Sprintf("%s.queryParams[%s]", field, name), m.QueryParams[name])
		}
		if source := m.SourceLabels["app"]; source != "" && !c.components[source] {
			c.fault(field+".sourceLabels", "the application has no component %q, so nobody calls from there; name one that it has", source)
		}
		if path, base := m.Uri.GetExact(), m.Headers[":path"].GetPrefix(); path != "" && !strings.HasPrefix(path, base) {
			c.fault(field+".uri", "no path is %q and begins with %q; leave the match out", path, base)
		}
	}
}

// text checks one comparison; none at all compares nothing.
func (c *checker) text(field string, m *networking.StringMatch) {
	if m == nil {
		return
	}
	switch how := m.MatchType.(type) {
	case *networking.StringMatch_Regex:
		if _, err := regexp.Compile(how.Regex); err != nil {
			c.fault(field+".regex", "%q is no regular expression: %w; write it in RE2 syntax", how.Regex, err)
		}
	case *networking.StringMatch_Prefix:
		if how.Prefix == "" {
			c.fault(field+".prefix", "an empty prefix holds always; leave it out")
		}
	case *networking.StringMatch_Exact:
		if how.Exact == "" {
			c.fault(field+".exact", "an empty text never matches; say what the value is")
		}
	default:
		c.fault(field, "there is nothing to compare with; say one of exact, prefix or regex")
	}
}

// named checks that no earlier route has the name: a proxy is asked for routes by it.
func (c *checker) named(field string, earlier []*networking.HTTPRoute, route *networking.HTTPRoute) {
	j := slices.IndexFunc(earlier, func(o *networking.HTTPRoute) bool { return o.Name == route.Name })
	if j >= 0 && route.Name != "" {
		c.fault(field+".name", "%s is already the name of spec.http[%d]; give each route a name of its own", route.Name, j)
	}
}

// extras checks what a route does besides sharing requests.
func (c *checker) extras(field string, route *networking.HTTPRoute) {
	for i, m := range route.Mirrors {
		field := fmt.Sprintf("%s.mirrors[%d]", field, i)
		c.destination(field+".destination", m.Destination)
		if percent := m.Percentage.GetValue(); percent <= 0 || percent > whole {
			c.fault(field+".percentage", "%g percent of the requests cannot be copied; it lies above 0 and up to 100", percent)
		}
	}
	for i, d := range route.Route {
		cookie, said := d.GetHeaders().GetResponse().GetAdd()["set-cookie"]
		if name, _, _ := strings.Cut(cookie, "="); said && !token.MatchString(name) {
			c.fault(fmt.Sprintf("%s.route[%d].headers.response.add[set-cookie]", field, i),
				"a cookie cannot be called %q; use letters, digits, dashes and underscores", name)
		}
	}
}

// shadowed returns the first of the earlier routes that takes all requests of one of the route's matches, and its path; -1
// when every match is reached. A component's own matches may well take all of its requests on a path.
func shadowed(earlier []*networking.HTTPRoute, route *networking.HTTPRoute) (int, string) {
	for _, m := range matches(route) {
		for j, other := range earlier {
			if other.Name != "" && family(other) == family(route) {
				continue
			}
			if slices.ContainsFunc(matches(other), func(o *networking.HTTPMatchRequest) bool { return routing.Covers(o, m) }) {
				return j, cmp.Or(m.Uri.GetPrefix(), m.Uri.GetExact(), m.Uri.GetRegex(), "/")
			}
		}
	}
	return -1, ""
}

// family is the name that a component's routes have in common.
func family(route *networking.HTTPRoute) string {
	name, _, _ := strings.Cut(route.Name, ".")
	return name
}

// matches returns what the route is bound to; a route bound to nothing takes every request.
func matches(route *networking.HTTPRoute) []*networking.HTTPMatchRequest {
	if len(route.Match) == 0 {
		return []*networking.HTTPMatchRequest{{}}
	}
	return route.Match
}
