// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"fmt"

	api "weir.dev/weir/api/v1alpha1"
)

// parseStep reads one step that is told on a line of its own. The word or begins another match.
func parseStep(all []string) (api.Step, error) {
	var s api.Step
	matches := []api.Match{{}}
	matched := false
	for len(all) > 0 {
		key, takes := all[0], 1
		switch key {
		case "or":
			matches, all = append(matches, api.Match{}), all[1:]
			continue
		case "header", "cookie", "query":
			takes = 2
		}
		if len(all) <= takes {
			return s, fmt.Errorf("%q needs more words", key)
		}
		values := all[1 : takes+1]
		all = all[takes+1:]
		if setMatch(&matches[len(matches)-1], key, values) {
			matched = true
			continue
		}
		if err := setStep(&s, key, values[0]); err != nil {
			return s, err
		}
	}
	if matched {
		s.Match = matches
	}
	return s, nil
}

// setMatch tells whether the word is about which requests are meant.
func setMatch(m *api.Match, key string, values []string) bool {
	last := values[len(values)-1]
	named := api.NamedMatch{Name: values[0], StringMatch: api.StringMatch{Exact: last}}
	switch key {
	case "header":
		m.Headers = append(m.Headers, named)
	case "cookie":
		m.Cookies = append(m.Cookies, named)
	case "query":
		m.Query = append(m.Query, named)
	case "path":
		m.Path = &api.StringMatch{Prefix: last}
	case "agent":
		m.UserAgent = &api.StringMatch{Prefix: last}
	case "caller":
		m.Source = last
	default:
		return false
	}
	return true
}

func setStep(s *api.Step, key, value string) error {
	switch key {
	case "hold":
		d, err := duration(value)
		s.Hold = d
		return err
	case "weight":
		n, err := number(value)
		s.Weight = int32(n)
		return err
	case "copies":
		n, err := number(value)
		s.Mirror = &api.Mirror{Percent: int32(n), Methods: api.MirrorSafe}
		return err
	default:
		return fmt.Errorf("%q is no part of a step", key)
	}
}

func isGate(key string) bool { return key == "gate" || key == "webhook" || key == "job" }

// gate is an approval when nothing else is said.
func gate(kind, name, point string) api.Gate {
	g := api.Gate{Name: name, At: api.GatePoint(point)}
	switch kind {
	case "webhook":
		g.Webhook = &api.WebhookGate{URL: "https://change.example/" + name}
	case "job":
		g.Job = &api.JobGate{Image: "registry.example/" + name + ":1"}
	default:
		g.Approval = &api.ApprovalGate{}
	}
	return g
}
