// SPDX-License-Identifier: Apache-2.0

// Package query fills the variables of the user's own PromQL, and finds what is wrong with it before it is asked.
package query

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Values are what the variables stand for. All but the window are texts, and stand in quotes.
type Values struct {
	Component, Namespace, Host, From, To string
	// Window is a duration, one second at least.
	Window time.Duration
}

func (v Values) texts() map[string]string {
	return map[string]string{"component": v.Component, "namespace": v.Namespace, "host": v.Host, "from": v.From, "to": v.To}
}

// Variables are the names that queries may use, as $(component).
var Variables = []string{"component", "namespace", "host", "from", "to", window}

const window = "window"

var variable = regexp.MustCompile(`\$\(([^)]*)\)`)

// Check tells why the text is no query whose result can be one number.
func Check(text string) error {
	_, err := Fill(text, Values{Component: "c", Namespace: "n", Host: "h", From: "v1", To: "v2", Window: time.Minute})
	return err
}

// Fill puts the values in the place of the variables. A value is taken for what it is, and never for a part of the query:
// in a regular expression it matches itself.
func Fill(text string, v Values) (string, error) {
	marked, err := mark(text, v)
	if err != nil {
		return "", err
	}
	tree, err := parser.ParseExpr(marked)
	if err != nil {
		return "", fmt.Errorf("this is no PromQL: %w", err)
	}
	if kind := tree.Type(); kind != parser.ValueTypeScalar && kind != parser.ValueTypeVector {
		return "", fmt.Errorf("the result is a %s where one number is wanted; take rate, increase or another function of it",
			parser.DocumentedType(kind))
	}
	f := filler{v.texts()}
	if err := f.walk(tree); err != nil {
		return "", err
	}
	filled := tree.String()
	if left := marker.FindStringSubmatch(filled); left != nil {
		return "", fmt.Errorf("$(%s) stands for a text, so it has to be in quotes", left[1])
	}
	return filled, nil
}

// mark replaces texts by words that may stand where a name may, so that the query can be parsed before they are filled in.
func mark(text string, v Values) (string, error) {
	for _, found := range variable.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(Variables, found[1]) {
			return "", fmt.Errorf("nothing is known by the name %s; known are $(%s)", found[0], strings.Join(Variables, "), $("))
		}
	}
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		if name := found[2 : len(found)-1]; name != window {
			return "weir_filled_" + name + "_here"
		}
		return fmt.Sprintf("%ds", int64(max(1, math.Ceil(v.Window.Seconds()))))
	}), nil
}

var marker = regexp.MustCompile(`weir_filled_([a-z]+)_here`)

// filler replaces marks by texts.
type filler struct{ texts map[string]string }

func (f filler) fill(s string, quote func(string) string) string {
	return marker.ReplaceAllStringFunc(s, func(found string) string {
		return quote(f.texts[marker.FindStringSubmatch(found)[1]])
	})
}

func plain(s string) string { return s }

func (f filler) walk(tree parser.Expr) (err error) {
	parser.Inspect(tree, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			err = firstOf(err, f.matchers(n.LabelMatchers))
		case *parser.StringLiteral:
			n.Val = f.fill(n.Val, quoting(n, path))
		}
		return nil
	})
	return err
}

func (f filler) matchers(all []*labels.Matcher) (err error) {
	for i, m := range all {
		quote := plain
		if m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp {
			quote = regexp.QuoteMeta
		}
		filled, bad := labels.NewMatcher(m.Type, m.Name, f.fill(m.Value, quote))
		if bad != nil {
			err = firstOf(err, fmt.Errorf("label %s: %w", m.Name, bad))
			continue
		}
		all[i] = filled
	}
	return err
}

// pattern is the argument of label_replace that is a regular expression.
const pattern = 4

// quoting is how a text goes into a literal.
func quoting(literal *parser.StringLiteral, path []parser.Node) func(string) string {
	for _, node := range path {
		call, ok := node.(*parser.Call)
		if ok && call.Func.Name == "label_replace" && len(call.Args) > pattern && call.Args[pattern] == parser.Expr(literal) {
			return regexp.QuoteMeta
		}
	}
	return plain
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
