// SPDX-License-Identifier: Apache-2.0

package query

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

func TestFill(t *testing.T) {
	values := Values{
		Component: "reviews", Namespace: "shop", Host: "reviews.shop.svc.cluster.local", From: "v1", To: `1.2"} or vector(1) #`,
		Window: 89500 * time.Millisecond,
	}
	for name, c := range map[string]struct{ text, want, wrong string }{
		"texts and the window": {
			text: `sum(rate(errors_total{ns="$(namespace)",app="$(component)"}[$(window)]))`,
			want: `sum(rate(errors_total{app="reviews",ns="shop"}[1m30s]))`,
		},
		"a part of a text": {text: `sum(x{url="http://$(host)/a"})`, want: `sum(x{url="http://reviews.shop.svc.cluster.local/a"})`},
		"what is in a value is no query": {
			text: `sum(x{version="$(to)"})`, want: `sum(x{version="1.2\"} or vector(1) #"})`,
		},
		"in a regular expression a value matches itself": {
			text: `sum(x{host=~"$(host)|other.*"})`, want: `sum(x{host=~"reviews\\.shop\\.svc\\.cluster\\.local|other.*"})`,
		},
		"in a pattern of label_replace as well": {
			text: `sum(label_replace(x, "a", "$1", "b", "$(host)(.*)"))`,
			want: `sum(label_replace(x, "a", "$1", "b", "reviews\\.shop\\.svc\\.cluster\\.local(.*)"))`,
		},
		"an offset":                          {text: `sum(x offset $(window))`, want: `sum(x offset 1m30s)`},
		"no variables":                       {text: `scalar(up)`, want: `scalar(up)`},
		"text where a name stands":           {text: `sum($(component)_errors)`, wrong: "$(component) stands for a text, so it has to be in quotes"},
		"text as a label":                    {text: `sum by ($(to)) (x)`, wrong: "$(to) stands for a text"},
		"unknown variable":                   {text: `sum(x{a="$(pod)"})`, wrong: "nothing is known by the name $(pod); known are $(component)"},
		"not closed":                         {text: `sum(rate(x[5m])`, wrong: "this is no PromQL: "},
		"range instead of a number":          {text: `x[5m]`, wrong: "the result is a range vector where one number is wanted"},
		"text instead of a number":           {text: `"$(to)"`, wrong: "the result is a string"},
		"unknown function":                   {text: `mean(x)`, wrong: "this is no PromQL: "},
		"nothing":                            {text: ` `, wrong: "this is no PromQL: "},
		"a regular expression that is wrong": {text: `sum(x{a=~"("})`, wrong: "this is no PromQL: "},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Fill(c.text, values)
			switch {
			case c.wrong == "" && err != nil:
				t.Fatal(err)
			case c.wrong == "" && got != c.want:
				t.Errorf("want %s\n got %s", c.want, got)
			case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
				t.Errorf("want an error with %q, got %v", c.wrong, err)
			}
			if check := Check(c.text); (check == nil) != (c.wrong == "") {
				t.Errorf("Check says %v", check)
			}
		})
	}
}

// FuzzFill: whatever the values are, what is filled in parses, and no value turns into a part of the query.
func FuzzFill(f *testing.F) {
	f.Add("reviews", "v1")
	f.Add(`"} or vector(1)`, `.*\Q`)
	f.Fuzz(func(t *testing.T, component, to string) {
		filled, err := Fill(`sum(x{app="$(component)",version!~"$(to)"}) > 1`, Values{Component: component, To: to})
		if err != nil {
			return // a value that is no UTF-8 cannot be asked for
		}
		tree, err := parser.ParseExpr(filled)
		if err != nil {
			t.Fatalf("%s: %v", filled, err)
		}
		if again := tree.String(); again != filled {
			t.Errorf("%s is read as %s", filled, again)
		}
	})
}
