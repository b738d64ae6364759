// SPDX-License-Identifier: Apache-2.0

// Package draft writes a first Application out of what there is: the services of a compose file, or the workloads of a
// namespace. What it cannot carry over it says in words.
package draft

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// Draft is a first Application, to be read by a person before it is applied.
type Draft struct {
	Application *api.Application `json:"application"`
	// Notes are what a person should know or do, each about one component or, without one, about all.
	Notes []Note `json:"notes,omitempty"`
}

// Note is a remark on a component.
type Note struct {
	Component string `json:"component,omitempty"`
	Text      string `json:"text"`
}

func (n Note) String() string {
	if n.Component == "" {
		return n.Text
	}
	return n.Component + ": " + n.Text
}

func newDraft(namespace, name string) *Draft {
	return &Draft{Application: &api.Application{
		TypeMeta:   metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: "Application"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
	}}
}

func (d *Draft) note(component, format string, args ...any) {
	d.Notes = append(d.Notes, Note{component, fmt.Sprintf(format, args...)})
}

// label turns text into what components, volumes and applications are named with; empty when nothing is left of it.
func label(text string, limit int) string {
	mapped := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
	mapped = strings.TrimLeft(mapped, "-0123456789")
	if len(mapped) > limit {
		mapped = mapped[:limit]
	}
	return strings.TrimRight(mapped, "-")
}

// longest is the limit of the names of components and applications.
const longest = 40

// overlay is a piece of a PodSpec for what the component has no field for.
type overlay struct {
	pod       corev1.PodSpec
	container corev1.Container
}

// template returns the overlay for the component; nil when there is nothing in it.
func (o overlay) template(component string) (*api.Template, error) {
	pod := o.pod
	empty, err := sparse(corev1.Container{})
	if err != nil {
		return nil, err
	}
	own, err := sparse(o.container)
	if err != nil {
		return nil, err
	}
	fields, err := sparse(pod)
	if err != nil {
		return nil, err
	}
	if len(own) > len(empty) {
		own["name"] = component
		if lifecycle, ok := own["lifecycle"].(map[string]any); ok {
			if stop, ok := lifecycle["preStop"].(map[string]any); ok {
				stop["$patch"] = "replace" // beside Weir's own there would be two
			}
		}
		others, _ := fields["containers"].([]any)
		fields["containers"] = append([]any{own}, others...)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return &api.Template{Spec: &runtime.RawExtension{Raw: raw}}, nil
}

// sparse are the fields that are set.
func sparse(value any) (map[string]any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, err
	}
	for key, v := range out {
		list, isList := v.([]any)
		fields, isMap := v.(map[string]any)
		if v == nil || v == "" && key != "name" || isList && len(list) == 0 || isMap && len(fields) == 0 {
			delete(out, key)
		}
	}
	return out, nil
}

// mentions finds the components whose names stand as hosts in the values, such as ratings in http://ratings:9080, and the
// ports they are called at.
func mentions(values []string, names []string) map[string][]int32 {
	out := map[string][]int32{}
	for _, value := range values {
		for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\n,;|\"'`()[]{}<>=?&#", r) }) {
			host, number := hostPort(word)
			first, rest, _ := strings.Cut(host, ".")
			host = first
			if pods, _, _ := strings.Cut(rest, "."); !slices.Contains(names, host) && strings.HasPrefix(host, pods+"-") {
				host = pods // as in database-0.database
			}
			if !slices.Contains(names, host) || number == 0 && !strings.Contains(word, "://") {
				continue
			}
			if number != 0 && !slices.Contains(out[host], number) {
				out[host] = append(out[host], number)
			} else if out[host] == nil {
				out[host] = []int32{}
			}
		}
	}
	return out
}

// hostPort splits ratings:9080, http://ratings:9080/x and redis://user@ratings:9080 into host and port.
func hostPort(word string) (host string, number int32) {
	if _, rest, ok := strings.Cut(word, "://"); ok {
		word = rest
	}
	word, _, _ = strings.Cut(word, "/")
	if at := strings.LastIndex(word, "@"); at >= 0 {
		word = word[at+1:]
	}
	host, digits, _ := strings.Cut(word, ":")
	for _, r := range digits {
		if r < '0' || r > '9' || number > 1<<16 {
			return host, 0
		}
		number = number*10 + r - '0'
	}
	if number > 65535 {
		return host, 0
	}
	return host, number
}

// addPort adds a port that the component does not have yet.
func addPort(c *api.Component, p api.Port) {
	if !port.Has(c.Ports, p.Port) {
		c.Ports = append(c.Ports, p)
	}
}
