// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"regexp"
	"testing"

	api "weir.dev/weir/api/v1alpha1"
)

func TestCookieExpression(t *testing.T) {
	exact := func(name, value string) api.NamedMatch {
		return api.NamedMatch{Name: name, StringMatch: api.StringMatch{Exact: value}}
	}
	like := func(name, expression string) api.NamedMatch {
		return api.NamedMatch{Name: name, StringMatch: api.StringMatch{Regex: expression}}
	}
	begins := api.NamedMatch{Name: "lang", StringMatch: api.StringMatch{Prefix: "de"}}
	for name, tt := range map[string]struct {
		cookies []api.NamedMatch
		yes, no []string
	}{
		"exact": {
			[]api.NamedMatch{exact("a", "b.c")},
			[]string{"a=b.c", `a="b.c"`, "x=1; a=b.c", "a=b.c; x=1", "x=1;a=b.c;y=2", "a=1; a=b.c", " a=b.c "},
			[]string{"", "a=bxc", "aa=b.c", "a=b.cd", `a="b.c`, "x=a=b.c", "a=b.c d", "A=b.c"},
		},
		"prefix": {
			[]api.NamedMatch{begins},
			[]string{"lang=de", "lang=de-AT; x=1", `x=1; lang="de-AT"`},
			[]string{"lang=en; x=de", "lang=d; lang2=de", "slang=de"},
		},
		"regex holds to one value": {
			[]api.NamedMatch{like("g", "^a.*z$")},
			[]string{"g=az", "g=abcz; x=1", `g="abz"`},
			[]string{"g=a; x=z", "g=az1", "x=1; g=a; y=z"},
		},
		"regex of alternatives": {
			[]api.NamedMatch{like("g", "a|b")}, []string{"g=a", "x=1; g=b"}, []string{"g=ab", "b", "a"},
		},
		"regex of classes": {
			[]api.NamedMatch{like("g", `[^a]\W[0-?]`)}, []string{"g=b-1", "g=b-<"}, []string{"g=b;1", "g=b-;", "g=;-1", "g=a-1"},
		},
		"regex that wants a semicolon": {
			[]api.NamedMatch{like("g", "a;b")}, nil, []string{"g=a;b", "g=ab"},
		},
		"two in any order": {
			[]api.NamedMatch{exact("a", "1"), exact("b", "2")},
			[]string{"a=1; b=2", "b=2; a=1", "x=0; b=2; y=0; a=1; z=0"},
			[]string{"a=1", "b=2", "a=2; b=1", "a=1 b=2"},
		},
		"a name with special characters": {
			[]api.NamedMatch{exact("a.b*", "1")}, []string{"a.b*=1"}, []string{"axb=1", "a.bb=1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := regexp.MustCompile("^(?:" + CookieExpression(tt.cookies) + ")$")
			for _, header := range tt.yes {
				if !e.MatchString(header) {
					t.Errorf("%s does not match %q", e, header)
				}
			}
			for _, header := range tt.no {
				if e.MatchString(header) {
					t.Errorf("%s matches %q", e, header)
				}
			}
		})
	}
}

func TestReadCookie(t *testing.T) {
	for name, tt := range map[string]struct {
		match api.NamedMatch
		value string
	}{
		"exact":      {api.NamedMatch{Name: "a.b*", StringMatch: api.StringMatch{Exact: "v2.old.10"}}, "v2.old.10"},
		"empty":      {api.NamedMatch{Name: "a"}, ""},
		"prefix":     {api.NamedMatch{Name: "a", StringMatch: api.StringMatch{Prefix: "d."}}, `/d\.[^;]*/`},
		"expression": {api.NamedMatch{Name: "a", StringMatch: api.StringMatch{Regex: "x|=y"}}, "/(?:x|=y)/"},
	} {
		t.Run(name, func(t *testing.T) {
			got, value, ok := ReadCookie(CookieExpression([]api.NamedMatch{tt.match}))
			if got != tt.match.Name || value != tt.value || !ok {
				t.Errorf("got %q, %q, %v; want %q, %q", got, value, ok, tt.match.Name, tt.value)
			}
		})
	}
	two := CookieExpression([]api.NamedMatch{{Name: "a"}, {Name: "b"}})
	for _, other := range []string{"", "a=1", two} {
		if name, value, ok := ReadCookie(other); ok {
			t.Errorf("reads %q as %q with %q", other, name, value)
		}
	}
}
