// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	api "weir.dev/weir/api/v1alpha1"
)

// fields is a piece of JSON; templates are pieces of a PodSpec, and what they leave out must stay left out.
type fields = map[string]any

// template finds the places in the component's template.
func (p *places) template(c *api.Component) {
	if c.Template == nil || c.Template.Spec == nil {
		return
	}
	var spec fields
	if utiljson.Unmarshal(c.Template.Spec.Raw, &spec) != nil {
		return // refused before anything is made of it
	}
	before := len(p.all)
	for _, list := range []string{"containers", "initContainers"} {
		for i, container := range items(spec, list) {
			p.container(fmt.Sprintf("template.spec.%s[%d].", list, i), container)
		}
	}
	for i, volume := range items(spec, "volumes") {
		p.volume(fmt.Sprintf("template.spec.volumes[%d].", i), volume)
	}
	if len(p.all) == before {
		return
	}
	p.close = func() {
		if text, err := utiljson.Marshal(spec); err == nil {
			c.Template.Spec = &runtime.RawExtension{Raw: text}
		}
	}
}

func (p *places) container(at string, container fields) {
	for i, env := range items(container, "env") {
		from, _ := env["valueFrom"].(fields)
		field := fmt.Sprintf("%senv[%d].valueFrom.", at, i)
		p.raw(ConfigMap, from, "configMapKeyRef", rawPlace{field: field, name: "name"})
		p.raw(Secret, from, "secretKeyRef", rawPlace{field: field, name: "name"})
	}
	for i, from := range items(container, "envFrom") {
		field := fmt.Sprintf("%senvFrom[%d].", at, i)
		p.raw(ConfigMap, from, "configMapRef", rawPlace{field: field, name: "name"})
		p.raw(Secret, from, "secretRef", rawPlace{field: field, name: "name"})
	}
}

func (p *places) volume(at string, volume fields) {
	p.raw(ConfigMap, volume, "configMap", rawPlace{field: at, name: "name"})
	p.raw(Secret, volume, "secret", rawPlace{field: at, name: "secretName"})
	projected, _ := volume["projected"].(fields)
	for i, source := range items(projected, "sources") {
		field := fmt.Sprintf("%sprojected.sources[%d].", at, i)
		p.raw(ConfigMap, source, "configMap", rawPlace{field: field, name: "name"})
		p.raw(Secret, source, "secret", rawPlace{field: field, name: "name"})
	}
}

// rawPlace is where a reference stands, and what its field for the name is called.
type rawPlace struct{ field, name string }

func (p *places) raw(kind Kind, parent fields, what string, at rawPlace) {
	ref, _ := parent[what].(fields)
	name, _ := ref[at.name].(string)
	optional, _ := ref["optional"].(bool)
	r := reference{optional: optional, field: at.field + what, rename: func(to string) { ref[at.name] = to }}
	if key, one := ref["key"].(string); one {
		r.keys = []string{key}
	}
	for _, item := range items(ref, "items") {
		if key, ok := item["key"].(string); ok {
			r.keys = append(r.keys, key)
		}
	}
	p.add(Object{kind, name}, r)
}

func items(parent fields, name string) []fields {
	list, _ := parent[name].([]any)
	out := make([]fields, 0, len(list))
	for _, item := range list {
		piece, _ := item.(fields)
		out = append(out, piece)
	}
	return out
}
