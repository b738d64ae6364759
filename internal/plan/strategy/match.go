// SPDX-License-Identifier: Apache-2.0

package strategy

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/routing"
)

// largest is how many instructions an expression may compile to. Istio's proxies refuse all routes with one above 32768
// (its bootstrap, re2.max_program_size.error_level); RE2 in C++ may need more of them than Go's.
const largest = 8192

func (c *checker) matches(path *field.Path, matches []api.Match) {
	for i, m := range matches {
		before := len(c.faults)
		c.match(path.Index(i), m)
		for j := 0; j < i && len(c.faults) == before; j++ {
			if routing.Covers(routing.Match(anybody, matches[j]), routing.Match(anybody, m)) {
				c.fault(path.Index(i), "", "match %d before it picks all these requests already; leave this one out, or change that one", j)
			}
		}
	}
}

// anybody is an application to read matches for; which one does not matter.
var anybody = &api.Application{}

func (c *checker) match(path *field.Path, m api.Match) {
	c.headers(path, m)
	c.cookies(path.Child("cookies"), m.Cookies)
	for i, q := range m.Query {
		c.text(path.Child("query").Index(i), q.StringMatch)
	}
	if m.UserAgent != nil {
		c.text(path.Child("userAgent"), *m.UserAgent)
	}
	if m.Path != nil {
		c.path(path.Child("path"), m)
	}
	if empty(m) {
		c.fault(path, "{}", "this says nothing about the request and would pick every one; give the step weight 100 instead")
	}
}

// fits looks for what the component is never asked, or never by.
func (c *checker) fits(path *field.Path, m api.Match) {
	if m.Method != "" && m.Method != "POST" && len(c.ports) > 0 && //nolint:usestdlibvars // net/http is no import of a pure package
		!slices.ContainsFunc(c.ports, notGRPC) {
		c.fault(path.Child("method"), m.Method, "component %s speaks only grpc, whose calls are all POST; this never matches", c.component.Name)
	}
	if m.Source != "" {
		c.source(path.Child("source"), m.Source)
	}
}

func notGRPC(p api.Port) bool { return p.Protocol != port.GRPC }

func empty(m api.Match) bool {
	return len(m.Headers)+len(m.Cookies)+len(m.Query) == 0 && m.Path == nil && m.Method == "" && m.UserAgent == nil && m.Source == ""
}

// headers finds those that are named twice: a proxy compares a header once.
func (c *checker) headers(path *field.Path, m api.Match) {
	seen := map[string]bool{}
	for i, h := range m.Headers {
		name, at := strings.ToLower(h.Name), path.Child("headers").Index(i)
		switch {
		case seen[name]:
			c.fault(at.Child("name"), h.Name, "this header is compared twice, and upper case makes no difference; put both into one regex")
		case name == "user-agent" && m.UserAgent != nil:
			c.fault(at.Child("name"), h.Name, "this header is compared by userAgent as well; say one of them")
		case name == "cookie" && len(m.Cookies) > 0:
			c.fault(at.Child("name"), h.Name, "this header is compared by cookies as well; say one of them")
		}
		seen[name] = true
		c.text(at, h.StringMatch)
		if h.Exact != strings.TrimSpace(h.Exact) {
			c.fault(at.Child("exact"), h.Exact, "headers come without space at their ends, so this never matches; leave it out")
		}
	}
}

func (c *checker) cookies(path *field.Path, cookies []api.NamedMatch) {
	before, seen := len(c.faults), map[string]bool{}
	for i, m := range cookies {
		at := path.Index(i)
		if seen[m.Name] {
			c.fault(at.Child("name"), m.Name, "this cookie is compared twice; put both into one regex")
		}
		seen[m.Name] = true
		c.text(at, m.StringMatch)
		if strings.Contains(m.Exact+m.Prefix, ";") {
			c.fault(at, m.Exact+m.Prefix, "a semicolon ends a cookie, so this never matches; leave it out")
		}
	}
	if len(cookies) > 0 && len(c.faults) == before {
		if n := size(routing.CookieExpression(cookies)); n > largest {
			c.fault(path, len(cookies), "together these are an expression too large for the proxies (%d, at most %d); use fewer or shorter ones", n,
				largest)
		}
	}
}

func (c *checker) path(at *field.Path, m api.Match) {
	c.text(at, *m.Path)
	for how, path := range map[string]string{"exact": m.Path.Exact, "prefix": m.Path.Prefix} {
		switch {
		case path == "":
		case path[0] != '/':
			c.fault(at.Child(how), path, "paths begin with /, so this never matches; write /%s", path)
		case strings.ContainsAny(path, "?#"):
			c.fault(at.Child(how), path, "the path ends before ? and #, so this never matches; compare parameters by query")
		}
	}
	all := m.Path.Prefix == "/" || m.Path.Regex == ".*" || m.Path.Regex == "/.*"
	if m.Path = nil; all && empty(m) {
		c.fault(at, "/", "this would pick every request; give the step weight 100 instead")
	}
}

func (c *checker) source(path *field.Path, name string) {
	i := slices.IndexFunc(c.app.Spec.Components, func(o api.Component) bool { return o.Name == name })
	switch {
	case i < 0:
		c.fault(path, name, "application %s has no such component; name one that it has", c.app.Name)
	case !c.app.Spec.Components[i].Meshed():
		c.fault(path, name, "component %s is outside the mesh, so nobody decides where its requests go; set its mesh to true", name)
	}
}

// text checks one comparison.
func (c *checker) text(path *field.Path, m api.StringMatch) {
	switch {
	case m.Regex != "":
		if _, err := regexp.Compile(m.Regex); err != nil {
			c.fault(path.Child("regex"), m.Regex, "this is no expression in RE2 syntax: %v", err)
		} else if n := size(m.Regex); n > largest {
			c.fault(path.Child("regex"), m.Regex, "this expression is too large for the proxies (%d, at most %d); use a shorter one", n, largest)
		}
	case m.Exact == "" && m.Prefix == "":
		c.fault(path, "", "an empty text never matches; say one of exact, prefix or regex")
	}
}

// size is the number of instructions that an expression compiles to.
func size(expression string) int {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}
