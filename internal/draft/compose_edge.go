// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// relate finds out who calls whom: by depends_on, and by names of services in variables and arguments. Whom others wait for
// until it has ended well is a job.
func (c *composer) relate() {
	services := slices.Sorted(maps.Keys(c.project.Services))
	at := map[string]*api.Component{}
	for i, name := range services {
		at[name] = &c.Application.Spec.Components[i]
	}
	for _, name := range services {
		s, component := c.project.Services[name], at[name]
		for other, ports := range mentions(c.values(s), services) {
			for _, number := range ports {
				if !port.Has(at[other].Ports, number) && other != name {
					addPort(at[other], api.Port{Port: number})
					c.note(c.names[other], "port %d is where %s calls it", number, component.Name)
				}
			}
			c.uses(component, other)
		}
		for _, link := range s.Links {
			other, _, _ := strings.Cut(link, ":")
			c.uses(component, other)
		}
		for _, other := range slices.Sorted(maps.Keys(s.DependsOn)) {
			if s.DependsOn[other].Condition == types.ServiceConditionCompletedSuccessfully {
				c.job(at[other], component.Name)
			} else {
				c.uses(component, other)
			}
		}
	}
	for _, component := range at {
		component.Uses = slices.DeleteFunc(component.Uses, func(name string) bool {
			i := slices.IndexFunc(c.Application.Spec.Components, func(o api.Component) bool { return o.Name == name })
			return i >= 0 && c.Application.Spec.Components[i].RunsToEnd()
		})
		slices.Sort(component.Uses)
	}
}

func (c *composer) uses(component *api.Component, service string) {
	name := c.names[service]
	if name != component.Name && name != "" && !slices.Contains(component.Uses, name) {
		component.Uses = append(component.Uses, name)
	}
}

// job makes the component one that runs to its end.
func (c *composer) job(component *api.Component, waits string) {
	if component == nil || component.RunsToEnd() {
		return
	}
	component.Kind, component.Ports, component.Claims, component.Replicas, component.Readiness = api.Job, nil, nil, nil, nil
	delete(c.published, component.Name)
	c.note(component.Name, "%s waits for its end, so it becomes a Job; make %s try again until it is done", waits, waits)
}

// values are all texts in which a service may name another, by the names of services.
func (c *composer) values(s types.ServiceConfig) []string {
	out := slices.Concat([]string(s.Entrypoint), []string(s.Command))
	for _, key := range slices.Sorted(maps.Keys(s.Environment)) {
		if v := s.Environment[key]; v != nil && hostly(key) {
			out = append(out, "http://"+*v)
		} else if v != nil {
			out = append(out, *v)
		}
	}
	for service, component := range c.names {
		for host, of := range c.hosts {
			if of != component {
				continue
			}
			for i := range out {
				out[i] = regexp.MustCompile(`(//|@|^)`+regexp.QuoteMeta(host)+`($|[:/])`).ReplaceAllString(out[i], "${1}"+service+"${2}")
			}
		}
	}
	return out
}

// ways expose what the compose file publishes and speaks HTTP.
func (c *composer) ways() {
	var in []*api.Component
	for i := range c.Application.Spec.Components {
		component := &c.Application.Spec.Components[i]
		if len(c.published[component.Name]) == 0 {
			continue
		}
		_, speaks := port.First(component.Ports)
		if !speaks && !c.presumed(component) {
			c.note(component.Name, "its port is published, but speaks no HTTP by custom; inside it is called at %s", component.Name)
			continue
		}
		in = append(in, component)
	}
	for _, component := range in {
		component.Expose = &api.Expose{}
		if len(in) > 1 {
			component.Expose.Hosts = []string{component.Name + ".example"}
			c.note(component.Name, "several components are published, and each needs hosts or paths of its own; correct %s.example", component.Name)
		}
	}
}

// remind says what nothing told, and a person has to.
func (c *composer) remind() {
	all := c.Application.Spec.Components
	if len(all) > 1 && !slices.ContainsFunc(all, func(o api.Component) bool { return len(o.Uses) > 0 }) {
		c.note("", "nothing tells who calls whom; name under uses whom each component calls")
	}
	if !slices.ContainsFunc(all, func(o api.Component) bool { return o.Expose != nil }) {
		c.note("", "nothing is reached from outside; give the component that is to be expose: {paths: [/]}")
	}
}

// presumed takes the first published port of which nothing tells what it speaks for HTTP; false when there is none.
func (c *composer) presumed(component *api.Component) bool {
	for i := range component.Ports {
		p := &component.Ports[i]
		untold := port.Find(*p, false) == port.Find(api.Port{Port: 1}, false)
		if untold && slices.Contains(c.published[component.Name], p.Port) && familiar[base(component.Image)] == 0 {
			p.Protocol = port.HTTP
			c.note(component.Name, "port %d is published, so it is taken for HTTP; if it speaks something else, take protocol and expose out",
				p.Port)
			return true
		}
	}
	return false
}
