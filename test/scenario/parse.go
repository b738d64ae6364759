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

// Script is a release as it is told.
type Script struct {
	Strategy api.StrategySpec
	// Unit are the releases that move as one; none when the release is on its own.
	Unit []string
	// Cluster is true for a script that is played on a real cluster as well.
	Cluster bool
	Lines   []Line
}

// Line is what is seen or commanded at a time, and what the release does then.
type Line struct {
	// Number of the line in the script, the first is 1.
	Number int
	// At is the time since the beginning.
	At         time.Duration
	Seen, Does []string
}

// Parse reads a script. README.md tells the words. The error begins with the number of the line.
func Parse(text string) (Script, error) {
	var s Script
	told := false
	for i, raw := range strings.Split(text, "\n") {
		all, err := words(raw)
		if err == nil && len(all) > 0 {
			told = told || all[0] == "strategy"
			err = s.hear(i+1, all)
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

func (s *Script) hear(number int, all []string) (err error) {
	switch all[0] {
	case "strategy":
		s.Strategy, err = parseStrategy(all[1:])
	case "step":
		var step api.Step
		step, err = parseStep(all[1:])
		s.Strategy.Steps = append(s.Strategy.Steps, step)
	case "unit":
		s.Unit = all[1:]
	case "cluster":
		s.Cluster = true
	case "at":
		err = s.add(number, all[1:])
	default:
		err = fmt.Errorf("a line begins with strategy, step, unit, cluster, at or #, not with %q", all[0])
	}
	return err
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

func (s *Script) add(number int, all []string) error {
	if len(all) == 0 {
		return fmt.Errorf("no time is told")
	}
	l := Line{Number: number}
	for i, w := range all {
		if w == "→" || w == "->" {
			l.Seen, l.Does = all[min(1, i):i], all[i+1:]
		}
	}
	if len(l.Seen) == 0 || len(l.Does) == 0 {
		return fmt.Errorf("no → between what is seen and what the release does")
	}
	var err error
	if l.At, err = time.ParseDuration(all[0]); err != nil {
		return err
	}
	if n := len(s.Lines); n > 0 && l.At < s.Lines[n-1].At {
		return fmt.Errorf("%s is before the line above", l.At)
	}
	s.Lines = append(s.Lines, l)
	return nil
}

func parseStrategy(all []string) (api.StrategySpec, error) {
	var s api.StrategySpec
	var hold *metav1.Duration
	for len(all) > 0 {
		key := all[0]
		var values []string
		for all = all[1:]; len(all) > 0 &&
			(len(values) == 0 || key == "steps" && isNumber(all[0]) || isGate(key) && len(values) < 2); all = all[1:] {
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
	switch key {
	case "steps":
		return addSteps(s, values)
	case "type":
		s.Type = api.StrategyType(value)
	case "warm":
		s.Warm, err = duration(value)
	case "gate", "webhook", "job":
		if len(values) != 2 {
			return fmt.Errorf("%s needs a name and a point", key)
		}
		s.Gates = append(s.Gates, gate(key, value, values[1]))
	case "window":
		from, to, _ := strings.Cut(value, "-")
		s.Windows = append(s.Windows, api.Window{From: from, To: to})
	case "ramp":
		n, bad := number(value)
		s.Ramp, err = &api.Ramp{Step: int32(n)}, bad
	case "every":
		if s.Ramp == nil {
			return fmt.Errorf("every belongs after ramp")
		}
		d, bad := duration(value)
		s.Ramp.Interval, err = *d, bad
	case "capacity":
		s.Capacity = api.Capacity(title(value))
	case "sticky":
		s.Sticky = &api.Sticky{Cookie: value}
	case "drain":
		s.Drain, err = duration(value)
	case "ready":
		s.ReadyDeadline, err = duration(value)
	case "onfailure":
		s.OnFailure = api.FailureAction(title(value))
	default:
		if s.Analysis == nil {
			s.Analysis = &api.Analysis{}
		}
		return setAnalysis(s.Analysis, key, value)
	}
	return err
}

func addSteps(s *api.StrategySpec, weights []string) error {
	for _, weight := range weights {
		w, err := number(weight)
		if err != nil {
			return err
		}
		s.Steps = append(s.Steps, api.Step{Weight: int32(w)})
	}
	return nil
}

func setAnalysis(a *api.Analysis, key, value string) (err error) {
	switch key {
	case "success":
		a.SuccessRate = &api.SuccessRate{}
		a.SuccessRate.MinPercent, err = number(value)
	case "p50", "p90", "p95", "p99":
		d, bad := duration(value)
		a.Latency, err = &api.Latency{Quantile: api.Quantile(strings.ToUpper(key)), Max: *d}, bad
	case "compare":
		a.Compare = &api.Compare{}
		a.Compare.MaxErrorIncrease, err = number(value)
	case "requests":
		n, bad := number(value)
		a.MinRequests, err = int64(n), bad
	case "interval":
		a.Interval, err = duration(value)
	case "deadline":
		a.Deadline, err = duration(value)
	case "onnodata":
		a.OnNoData = api.MissingAction(title(value))
	case "onmetricserror":
		a.OnMetricsError = api.MissingAction(title(value))
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
