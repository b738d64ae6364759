// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// script is a release as it is told.
type script struct {
	strategy api.StrategySpec
	// unit are the releases that move as one; none when the release is on its own.
	unit  []string
	lines []line
}

// line is what is seen at a time, and what the release does then.
type line struct {
	number int
	at     time.Duration
	seen   []string
	does   []string
}

func parse(text string) (script, error) {
	var s script
	told := false
	for i, raw := range strings.Split(text, "\n") {
		all, err := words(raw)
		if err == nil && len(all) > 0 {
			switch all[0] {
			case "strategy":
				told = true
				s.strategy, err = parseStrategy(all[1:])
			case "unit":
				s.unit = all[1:]
			case "at":
				err = s.add(i+1, all[1:])
			default:
				err = fmt.Errorf("a line begins with strategy, unit, at or #, not with %q", all[0])
			}
		}
		if err != nil {
			return s, fmt.Errorf("%d: %w", i+1, err)
		}
	}
	if !told {
		return s, fmt.Errorf("1: no strategy is told")
	}
	return s, nil
}

// words parts a line at its blanks, except inside of quotes; a word after # is none.
func words(raw string) ([]string, error) {
	var all []string
	raw = strings.TrimSpace(raw)
	for raw != "" && raw[0] != '#' {
		end := strings.IndexFunc(raw, unicode.IsSpace)
		if raw[0] == '"' {
			if end = strings.Index(raw[1:], `"`); end < 0 {
				return nil, fmt.Errorf("a quote is not closed: %s", raw)
			}
			end += 2
		}
		if end < 0 {
			end = len(raw)
		}
		all = append(all, strings.Trim(raw[:end], `"`))
		raw = strings.TrimSpace(raw[end:])
	}
	return all, nil
}

func (s *script) add(number int, all []string) error {
	l := line{number: number}
	for i, w := range all {
		if w == "→" || w == "->" {
			l.seen, l.does = all[min(1, i):i], all[i+1:]
		}
	}
	if len(l.seen) == 0 || len(l.does) == 0 {
		return fmt.Errorf("no → between what is seen and what the release does")
	}
	var err error
	if l.at, err = time.ParseDuration(all[0]); err != nil {
		return err
	}
	if n := len(s.lines); n > 0 && l.at < s.lines[n-1].at {
		return fmt.Errorf("%s is before the line above", l.at)
	}
	s.lines = append(s.lines, l)
	return nil
}

func parseStrategy(all []string) (api.StrategySpec, error) {
	var s api.StrategySpec
	var hold *metav1.Duration
	for len(all) > 0 {
		key := all[0]
		var values []string
		for all = all[1:]; len(all) > 0 && (len(values) == 0 || key == "steps" && isNumber(all[0]) || key == "gate" && len(values) < 2); all = all[1:] {
			values = append(values, all[0])
		}
		if len(values) == 0 {
			return s, fmt.Errorf("%q needs a value", key)
		}
		if key == "hold" {
			d, err := time.ParseDuration(values[0])
			if err != nil {
				return s, err
			}
			hold = &metav1.Duration{Duration: d}
			continue
		}
		if err := setStrategy(&s, key, values); err != nil {
			return s, err
		}
	}
	for i := range s.Steps {
		s.Steps[i].Hold = hold
	}
	return s, nil
}

func setStrategy(s *api.StrategySpec, key string, values []string) (err error) {
	value := values[0]
	analysis := func() *api.Analysis {
		if s.Analysis == nil {
			s.Analysis = &api.Analysis{}
		}
		return s.Analysis
	}
	switch key {
	case "steps":
		for _, v := range values {
			w, err := number(v)
			if err != nil {
				return err
			}
			s.Steps = append(s.Steps, api.Step{Weight: int32(w)})
		}
	case "success":
		analysis().SuccessRate = &api.SuccessRate{}
		s.Analysis.SuccessRate.MinPercent, err = number(value)
	case "p50", "p90", "p95", "p99":
		d, bad := time.ParseDuration(value)
		err = bad
		analysis().Latency = &api.Latency{Quantile: api.Quantile(strings.ToUpper(key)), Max: metav1.Duration{Duration: d}}
	case "requests":
		n, bad := number(value)
		err = bad
		analysis().MinRequests = int64(n)
	case "interval":
		analysis().Interval, err = duration(value)
	case "deadline":
		analysis().Deadline, err = duration(value)
	case "type":
		s.Type = api.StrategyType(value)
	case "warm":
		s.Warm, err = duration(value)
	case "gate":
		if len(values) != 2 {
			return fmt.Errorf("gate needs a name and a point")
		}
		s.Gates = append(s.Gates, api.Gate{Name: value, At: api.GatePoint(values[1]), Approval: &api.ApprovalGate{}})
	case "window":
		from, to, _ := strings.Cut(value, "-")
		s.Windows = append(s.Windows, api.Window{From: from, To: to})
	case "drain":
		s.Drain, err = duration(value)
	case "ready":
		s.ReadyDeadline, err = duration(value)
	case "onfailure":
		s.OnFailure = api.FailureAction(title(value))
	case "onnodata":
		analysis().OnNoData = api.MissingAction(title(value))
	case "onmetricserror":
		analysis().OnMetricsError = api.MissingAction(title(value))
	default:
		return fmt.Errorf("%q is no part of a strategy", key)
	}
	return err
}

func duration(s string) (*metav1.Duration, error) {
	d, err := time.ParseDuration(s)
	return &metav1.Duration{Duration: d}, err
}

// number reads 10, 99.9 and 99.9%.
func number(s string) (float64, error) { return strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64) }

func isNumber(s string) bool {
	_, err := number(s)
	return err == nil
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
