// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math"
	"strconv"

	api "weir.dev/weir/api/v1alpha1"
)

// metrics hold the user's own values against their bounds. A value comes without a sample size, so nobody can tell what
// chance does to it: it is taken as it is, once the step has lasted its time.
func metrics(want []api.Metric, c Case) []measured {
	var all []measured
	for _, metric := range want {
		all = append(all, value(metric, c))
	}
	return all
}

// MetricKey is what mesh.Sample.Asked knows the query of a metric by.
func MetricKey(name string) string { return "metric " + name }

func value(want api.Metric, c Case) measured {
	m := measured{name: want.Name, value: "none", bound: boundWords(want), query: MetricKey(want.Name)}
	is, asked := c.Sample.Values[want.Name]
	switch {
	case is.Err != nil:
		m.result, m.words = api.VerdictError, want.Name+" cannot be read: "+oneLine(root(is.Err).Error())
		return m
	case !asked || math.IsNaN(is.Number):
		m.result, m.words = api.VerdictNoData, want.Name+" has no value"
		return m
	}
	m.value, m.result = strconv.FormatFloat(is.Number, 'g', 6, 64), api.VerdictPass
	m.words = want.Name + " " + m.value
	switch {
	case want.Min != nil && is.Number < *want.Min:
		m.words += fmt.Sprintf(" is below %g", *want.Min)
	case want.Max != nil && is.Number > *want.Max:
		m.words += fmt.Sprintf(" is above %g", *want.Max)
	default:
		return m
	}
	if m.result = api.VerdictFail; c.Early {
		m.result, m.words = api.VerdictUndecided, m.words+" so far"
	}
	return m
}

func boundWords(m api.Metric) string {
	switch {
	case m.Min != nil && m.Max != nil:
		return fmt.Sprintf("between %g and %g", *m.Min, *m.Max)
	case m.Min != nil:
		return fmt.Sprintf("at least %g", *m.Min)
	case m.Max != nil:
		return fmt.Sprintf("at most %g", *m.Max)
	default:
		return ""
	}
}
