// SPDX-License-Identifier: Apache-2.0

// Package strategy finds the mistakes in a strategy that the schema of the API cannot see.
package strategy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are known wherever this runs

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/query"
)

// Check returns what is wrong with the strategy, by field, and for the component of the application when there is one:
// expressions that do not compile, matches that can never hold or that decide nothing, callers that do not exist, steps
// that need requests on a component that only has streams, zones and times that do not exist, queries and gates that
// cannot be asked. A nil application stands for any; then nothing is said about components.
func Check(spec api.StrategySpec, a *api.Application, component string) field.ErrorList {
	if a == nil {
		return Alone(spec)
	}
	return append(Fit(spec, a, component), Alone(spec)...)
}

// Alone returns what is wrong with the strategy whoever names it: all that has to be compiled or looked up.
func Alone(spec api.StrategySpec) field.ErrorList {
	c := checker{spec: spec}
	root := field.NewPath("spec")
	for i, step := range spec.Steps {
		c.matches(root.Child("steps").Index(i).Child("match"), step.Match)
	}
	c.windows(root.Child("windows"))
	c.gates(root.Child("gates"))
	c.analysis(root.Child("analysis"))
	return c.faults
}

// Fit returns what keeps the strategy, which may be right by itself, from being carried out for the component. It is cheap.
func Fit(spec api.StrategySpec, a *api.Application, component string) field.ErrorList {
	i := slices.IndexFunc(a.Spec.Components, func(o api.Component) bool { return o.Name == component })
	root := field.NewPath("spec")
	if i < 0 {
		return field.ErrorList{field.Invalid(root.Child("components"), component, "the application has no such component")}
	}
	c := checker{spec: spec, app: a, component: &a.Spec.Components[i], ports: port.Resolve(a.Spec.Components[i])}
	c.protocols(root)
	for i, step := range spec.Steps {
		for j, m := range step.Match {
			c.fits(root.Child("steps").Index(i).Child("match").Index(j), m)
		}
	}
	return c.faults
}

type checker struct {
	spec api.StrategySpec
	// app and its component, with all protocols of its ports filled in, when it is looked at how the strategy fits.
	app       *api.Application
	component *api.Component
	ports     []api.Port
	faults    field.ErrorList
}

func (c *checker) fault(path *field.Path, value any, format string, args ...any) {
	c.faults = append(c.faults, field.Invalid(path, value, fmt.Sprintf(format, args...)))
}

// protocols checks that what is done with single requests is asked of a component that is sent requests.
func (c *checker) protocols(root *field.Path) {
	streams := !slices.ContainsFunc(c.ports, func(p api.Port) bool { return port.IsHTTP(p.Protocol) })
	calls := !streams && !slices.ContainsFunc(c.ports, func(p api.Port) bool {
		return p.Protocol == port.HTTP || p.Protocol == port.HTTP2
	})
	const advice = "component %s has no http, http2 or grpc port, and streams cannot be told apart; use weights, or say the port's protocol"
	if streams && c.spec.Sticky != nil {
		c.fault(root.Child("sticky"), c.component.Name, advice, c.component.Name)
	}
	if a := c.spec.Analysis; streams && a != nil && a.OnNoData != api.MissingPass {
		c.fault(root.Child("analysis"), c.component.Name,
			"component %s has no http, http2 or grpc port, and what came of a connection is not counted, "+
				"so there would never be requests enough to judge by; leave analysis out, or say the port's protocol", c.component.Name)
	}
	if streams && c.spec.Type == api.StrategyMirror && len(c.spec.Steps) == 0 {
		c.fault(root.Child("type"), c.spec.Type, advice, c.component.Name)
	}
	for i, step := range c.spec.Steps {
		path := root.Child("steps").Index(i)
		if streams && len(step.Match) > 0 {
			c.fault(path.Child("match"), c.component.Name, advice, c.component.Name)
		}
		if streams && step.Mirror != nil {
			c.fault(path.Child("mirror"), c.component.Name, advice, c.component.Name)
		}
		if calls && step.Mirror != nil && step.Mirror.Methods != api.MirrorAll {
			c.fault(path.Child("mirror", "methods"), step.Mirror.Methods,
				"component %s speaks only grpc, whose calls are all POST, so nothing would be copied; say All if answering twice does no harm",
				c.component.Name)
		}
	}
}

func (c *checker) windows(path *field.Path) {
	for i, w := range c.spec.Windows {
		path := path.Index(i)
		if _, err := time.LoadLocation(w.Zone); err != nil {
			c.fault(path.Child("zone"), w.Zone, "there is no such time zone; write it as Europe/Berlin, or leave it out for UTC")
		}
		if w.From != "" && w.From == w.To {
			c.fault(path.Child("to"), w.To, "the window ends when it begins; leave both out for the whole day")
		}
	}
}

func (c *checker) gates(path *field.Path) {
	seen := map[string]bool{}
	for i, g := range c.spec.Gates {
		path := path.Index(i)
		if seen[g.Name] {
			c.fault(path.Child("name"), g.Name, "another gate has this name; give each its own")
		}
		seen[g.Name] = true
		if g.Webhook != nil {
			c.url(path.Child("webhook", "url"), g.Webhook.URL)
		}
		if g.Job != nil && strings.TrimSpace(g.Job.Image) == "" {
			c.fault(path.Child("job", "image"), g.Job.Image, "a Job needs an image")
		}
		if g.Approval == nil && g.Webhook == nil && g.Job == nil {
			c.fault(path, g.Name, "nobody is asked; say approval, webhook or job")
		}
	}
}

func (c *checker) url(path *field.Path, text string) {
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		c.fault(path, text, "this is no address; write it as https://host/path")
	}
}

func (c *checker) analysis(path *field.Path) {
	a := c.spec.Analysis
	if a == nil {
		return
	}
	if a.Server != nil {
		c.url(path.Child("server", "url"), a.Server.URL)
	}
	if r := a.RequestRate; r != nil {
		c.bounds(path.Child("requestRate"), r.Min, r.Max)
	}
	if a.Compare != nil && !c.besides() && !bounded(*a) {
		c.fault(path.Child("compare"), "", "no step gives requests to both versions, so there is nothing to compare; "+
			"add a step with a weight, a match or a mirror, or a bound such as successRate")
	}
	for i, m := range a.Metrics {
		path := path.Child("metrics").Index(i)
		c.bounds(path, m.Min, m.Max)
		if strings.TrimSpace(m.Query) == "" {
			c.fault(path.Child("query"), m.Query, "there is no query; write one in PromQL whose result is one number")
		} else if err := query.Check(m.Query); err != nil {
			c.fault(path.Child("query"), m.Query, "%v", err)
		}
	}
}

// besides is true when in some step both versions get requests, or copies of them.
func (c *checker) besides() bool {
	if c.spec.Type == api.StrategyMirror && len(c.spec.Steps) == 0 {
		return true
	}
	return c.spec.Ramp != nil || slices.ContainsFunc(c.spec.Steps, func(s api.Step) bool {
		return s.Weight > 0 && s.Weight < 100 || len(s.Match) > 0 || s.Mirror != nil
	})
}

// bounded is true when something is asked of the version by itself.
func bounded(a api.Analysis) bool {
	return a.SuccessRate != nil || a.Latency != nil || a.ErrorBudget != nil || a.Unanswered != nil || a.RequestRate != nil ||
		len(a.Metrics) > 0
}

func (c *checker) bounds(path *field.Path, least, most *float64) {
	if least != nil && most != nil && *least > *most {
		c.fault(path.Child("min"), *least, "no value is at least %g and at most %g; min must not be above max", *least, *most)
	}
}
