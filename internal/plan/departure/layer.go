// SPDX-License-Identifier: Apache-2.0

package departure

import (
	"slices"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
)

// layers are the components, each in a layer below all of its callers. Those that call each other in a ring go together.
// Components that only objects know of, as the spec has lost them, are in the first.
func (s Seen) layers() [][]string {
	left := map[string]api.Component{}
	for _, c := range s.Application.Spec.Components {
		left[c.Name] = c
	}
	var out [][]string
	if lost := s.lost(left); len(lost) > 0 {
		out = append(out, lost)
	}
	for len(left) > 0 {
		layer := uncalled(left)
		if len(layer) == 0 {
			layer = ring(left)
		}
		for _, name := range layer {
			delete(left, name)
		}
		out = append(out, layer)
	}
	return out
}

func (s Seen) lost(known map[string]api.Component) []string {
	var out []string
	add := func(name string) {
		if _, ok := known[name]; !ok && name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, o := range s.Objects {
		add(component(o))
	}
	for i := range s.Pods {
		add(component(&s.Pods[i]))
	}
	slices.Sort(out)
	return out
}

// own are the components that the component calls, by names as the application's own have them.
func own(c api.Component) []string {
	return slices.DeleteFunc(slices.Clone(c.Uses), func(u string) bool { return strings.Contains(u, "/") })
}

// uncalled are the components that none of the others calls, sorted.
func uncalled(left map[string]api.Component) []string {
	called := map[string]bool{}
	for _, c := range left {
		for _, u := range own(c) {
			if u != c.Name {
				called[u] = true
			}
		}
	}
	return sorted(left, func(name string) bool { return !called[name] })
}

// ring are the components that can be reached from the first and reach it again, where everybody is called.
func ring(left map[string]api.Component) []string {
	for _, start := range sorted(left, func(string) bool { return true }) {
		members := sorted(left, func(name string) bool {
			return reach(left, start)[name] && reach(left, name)[start]
		})
		// A ring that others call from outside of it has to wait for them.
		outsiders := func(name string) bool { return !slices.Contains(members, name) && reach(left, name)[start] }
		if len(members) > 0 && len(sorted(left, outsiders)) == 0 {
			return members
		}
	}
	return sorted(left, func(string) bool { return true })
}

// reach is what a component calls, directly or not.
func reach(left map[string]api.Component, from string) map[string]bool {
	out := map[string]bool{}
	queue := own(left[from])
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		if c, ok := left[next]; ok && !out[next] {
			out[next] = true
			queue = append(queue, own(c)...)
		}
	}
	return out
}

func sorted(of map[string]api.Component, keep func(string) bool) []string {
	var out []string
	for name := range of {
		if keep(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
