// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"cmp"
	"regexp"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	api "weir.dev/weir/api/v1alpha1"
)

// Match is the user's match as proxies in the mesh read it.
func Match(a *api.Application, m api.Match) *networking.HTTPMatchRequest {
	out, _ := way{}.pick(a, m)
	return out
}

// Covers tells whether o surely takes all that m takes: whatever o asks for, m asks for too, or for more. It may be false
// where a proof would need thought, as of two expressions.
func Covers(o, m *networking.HTTPMatchRequest) bool {
	if len(o.WithoutHeaders) > 0 || o.Scheme != nil || o.Authority != nil || len(o.Gateways) > 0 {
		return false
	}
	return (o.Port == 0 || o.Port == m.Port) && (o.SourceNamespace == "" || o.SourceNamespace == m.SourceNamespace) &&
		textCovers(o.Uri, m.Uri) && textCovers(o.Method, m.Method) &&
		allCovered(o.Headers, m.Headers, textCovers) && allCovered(o.QueryParams, m.QueryParams, textCovers) &&
		allCovered(o.SourceLabels, m.SourceLabels, func(a, b string) bool { return a == b })
}

func allCovered[T any](o, m map[string]T, covers func(a, b T) bool) bool {
	for name, a := range o {
		if b, ok := m[name]; (!ok && name != pathHeader) || !covers(a, b) {
			return false
		}
	}
	return true
}

func textCovers(o, m *networking.StringMatch) bool {
	switch how := o.GetMatchType().(type) {
	case *networking.StringMatch_Prefix:
		if m == nil {
			return how.Prefix == "/"
		}
		return m.GetRegex() == "" && strings.HasPrefix(cmp.Or(m.GetExact(), m.GetPrefix()), how.Prefix)
	case *networking.StringMatch_Exact:
		return m.GetExact() == how.Exact
	case *networking.StringMatch_Regex:
		return m.GetRegex() == how.Regex || m.GetExact() != "" && Fully(how.Regex, m.GetExact())
	default:
		return true
	}
}

// Fully tells whether the expression matches the whole text, as proxies ask.
func Fully(expression, text string) bool {
	e, err := regexp.Compile("^(?:" + expression + ")$")
	return err == nil && e.MatchString(text)
}
