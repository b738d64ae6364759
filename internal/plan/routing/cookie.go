// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	api "weir.dev/weir/api/v1alpha1"
)

const (
	// pairsBefore and pairsAfter are the other cookies in the header (RFC 6265, 4.2.1), whatever they hold.
	pairsBefore = `(?:.*;)?\s*`
	pairsAfter  = `\s*(?:;.*)?`
	// cookieValue is any value.
	cookieValue = `[^;]*`
)

// CookieExpression returns an RE2 expression that the whole Cookie header matches when it holds all the cookies, in any
// order. Values may stand in double quotes. It grows with the factorial of the number of cookies.
func CookieExpression(cookies []api.NamedMatch) string {
	var orders []string
	permute(cookies, func(order []api.NamedMatch) {
		pairs := make([]string, 0, len(order))
		for _, c := range order {
			pairs = append(pairs, regexp.QuoteMeta(c.Name)+"="+quotable(valueExpression(c.StringMatch)))
		}
		orders = append(orders, strings.Join(pairs, `\s*;(?:.*;)?\s*`))
	})
	if len(orders) == 1 {
		return pairsBefore + orders[0] + pairsAfter
	}
	return pairsBefore + "(?:" + strings.Join(orders, "|") + ")" + pairsAfter
}

// oneCookie is the expression that looks for one cookie.
var oneCookie = regexp.MustCompile("^" + regexp.QuoteMeta(pairsBefore) + `(.+?)=\(\?:(.*)\|"(.*)"\)` + regexp.QuoteMeta(pairsAfter) + "$")

// ReadCookie reads an expression of one cookie back: its name and, as far as it is one text, its value; else the value's
// expression between slashes. It is false for what CookieExpression did not make of one cookie.
func ReadCookie(expression string) (name, value string, ok bool) {
	parts := oneCookie.FindStringSubmatch(expression)
	if parts == nil || parts[2] != parts[3] {
		return "", "", false
	}
	name, known := literal(parts[1])
	if !known {
		return "", "", false
	}
	if value, known = literal(parts[2]); !known {
		value = "/" + parts[2] + "/"
	}
	return name, value, true
}

// literal is the one text that an expression matches; false when it may match others.
func literal(expression string) (string, bool) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	switch {
	case err != nil:
		return "", false
	case parsed.Op == syntax.OpEmptyMatch:
		return "", true
	default:
		return string(parsed.Rune), parsed.Op == syntax.OpLiteral && parsed.Flags&syntax.FoldCase == 0
	}
}

func quotable(value string) string { return "(?:" + value + `|"` + value + `")` }

func valueExpression(m api.StringMatch) string {
	switch {
	case m.Regex != "":
		return within(m.Regex)
	case m.Prefix != "":
		return regexp.QuoteMeta(m.Prefix) + cookieValue
	default:
		return regexp.QuoteMeta(m.Exact)
	}
}

// within is the expression held to one value: it cannot reach over the semicolon into the next cookie, and what stands for
// the beginning and the end of the text is left out, since the value stands in the middle of the header. An expression
// that cannot be read stays as it is, for Check to name.
func within(expression string) string {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return expression
	}
	return "(?:" + confine(parsed).String() + ")"
}

func confine(e *syntax.Regexp) *syntax.Regexp {
	switch e.Op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return &syntax.Regexp{Op: syntax.OpCharClass, Rune: []rune{0, ';' - 1, ';' + 1, unicode.MaxRune}}
	case syntax.OpCharClass:
		e.Rune = without(e.Rune, ';')
		if len(e.Rune) == 0 {
			return &syntax.Regexp{Op: syntax.OpNoMatch}
		}
	case syntax.OpLiteral:
		if slices.Contains(e.Rune, ';') {
			return &syntax.Regexp{Op: syntax.OpNoMatch}
		}
	default: // it takes no character by itself
	}
	for i, sub := range e.Sub {
		e.Sub[i] = confine(sub)
	}
	if e.Op == syntax.OpConcat {
		e.Sub = slices.DeleteFunc(e.Sub, func(sub *syntax.Regexp) bool { return sub.Op == syntax.OpEmptyMatch })
	}
	return e
}

// without takes one character out of a class, which is a list of first and last characters.
func without(class []rune, r rune) []rune {
	var out []rune
	for i := 0; i+1 < len(class); i += 2 {
		first, last := class[i], class[i+1]
		if r < first || last < r {
			out = append(out, first, last)
			continue
		}
		if first < r {
			out = append(out, first, r-1)
		}
		if r < last {
			out = append(out, r+1, last)
		}
	}
	return out
}

// permute shows every order of the cookies, the given one first.
func permute(cookies []api.NamedMatch, show func([]api.NamedMatch)) {
	var place func(order, rest []api.NamedMatch)
	place = func(order, rest []api.NamedMatch) {
		if len(rest) == 0 {
			show(order)
		}
		for i := range rest {
			place(append(slices.Clone(order), rest[i]), slices.Concat(rest[:i], rest[i+1:]))
		}
	}
	place(nil, cookies)
}
