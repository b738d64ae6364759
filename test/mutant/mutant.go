// SPDX-License-Identifier: Apache-2.0

// Package mutant writes every field of one of Weir's kinds wrong, or merely otherwise, in every way that its schema suggests.
package mutant

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"weir.dev/weir/deploy"
)

// Schema is that of a field.
type Schema = apiextensions.JSONSchemaProps

// SpecOf is the schema of a kind's spec, as the chart's CRD of that plural name has it.
func SpecOf(plural string) (Schema, error) {
	text, err := deploy.Chart.ReadFile(deploy.Root + "/crds/weir.dev_" + plural + ".yaml")
	if err != nil {
		return Schema{}, err
	}
	var crd apiextensions.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return Schema{}, err
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"], nil
}

// Mutant is a spec with one thing changed.
type Mutant struct {
	// Path of the field, as spec.steps[0].weight, and How it was changed.
	Path, How string
	Spec      map[string]any
}

func (m Mutant) String() string { return m.Path + " " + m.How }

// Of returns every field that the base can have, changed in every way that its schema suggests, in a fixed order.
func Of(base map[string]any, s Schema) []Mutant {
	m := &mutator{base: base}
	m.object(nil, base, s)
	return m.out
}

type mutator struct {
	base map[string]any
	out  []Mutant
}

// step leads to a field: a name, or an index.
type step any

func (m *mutator) object(at []step, value map[string]any, s Schema) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		m.field(append(slices.Clone(at), name), value[name], s.Properties[name])
	}
	m.add(append(slices.Clone(at), "noSuchField"), "unknown field", 1)
	keys := slices.Sorted(maps.Keys(value))
	if s.AdditionalProperties == nil || s.AdditionalProperties.Schema == nil || len(keys) == 0 {
		return
	}
	m.field(append(slices.Clone(at), keys[0]), value[keys[0]], *s.AdditionalProperties.Schema)
	m.add(append(slices.Clone(at), "Odd key/ü"), "odd key", value[keys[0]])
}

func (m *mutator) field(at []step, value any, s Schema) {
	if value != nil {
		m.add(at, "removed", removed{})
	}
	all := values(s, value)
	for _, how := range slices.Sorted(maps.Keys(all)) {
		m.add(at, how, all[how])
	}
	switch value := value.(type) {
	case map[string]any:
		m.object(at, value, s)
	case []any:
		if len(value) > 0 && s.Items != nil && s.Items.Schema != nil {
			m.field(append(slices.Clone(at), 0), value[0], *s.Items.Schema)
		}
	}
}

type removed struct{}

// values are those worth trying at a field, by what they are.
func values(s Schema, value any) map[string]any {
	out := map[string]any{"null": nil, "wrong type": map[string]any{"a": []any{}}}
	if s.XIntOrString {
		maps.Copy(out, map[string]any{"zero": 0, "huge": 1 << 20, "negative": -1, "a name": "name", "an odd name": "Odd Name",
			"a number in text": "80"})
	}
	switch s.Type {
	case "string":
		maps.Copy(out, map[string]any{"empty": "", "very long": strings.Repeat("x", 5000), "odd": "(.*[ü\n", "blank": " ", "a number": 7})
		for _, e := range s.Enum {
			var text string
			_ = json.Unmarshal(e.Raw, &text) // the CRD's own
			out["value "+text] = text
		}
		for _, text := range []string{"-1s", "0s", "1ms", "1s", "24h", "720h", "9000h", "soon"} {
			out["text "+text] = text
		}
	case "integer", "number":
		maps.Copy(out, map[string]any{"zero": 0, "negative": -1, "huge": 1 << 40, "a half": 0.5, "text": "7"})
		if s.Minimum != nil {
			out["minimum"], out["below minimum"] = *s.Minimum, *s.Minimum-1
		}
		if s.Maximum != nil {
			out["maximum"], out["above maximum"] = *s.Maximum, *s.Maximum+1
		}
	case "boolean":
		maps.Copy(out, map[string]any{"true": true, "false": false})
	case "array":
		out["empty"] = []any{}
		if list, ok := value.([]any); ok && len(list) > 0 {
			out["an entry twice"] = append(slices.Clone(list), list[0])
			out["an entry many times"] = slices.Repeat(list[:1], 300)
		}
	case "object":
		out["empty"] = map[string]any{}
	}
	return out
}

func (m *mutator) add(at []step, how string, value any) {
	spec, ok := change(m.base, at, value).(map[string]any)
	if ok {
		m.out = append(m.out, Mutant{Path: path(at), How: how, Spec: spec})
	}
}

// change returns a copy of the value in which the field has another value.
func change(in any, at []step, value any) any {
	if len(at) == 0 {
		return value
	}
	switch in := in.(type) {
	case map[string]any:
		out, name := maps.Clone(in), fmt.Sprint(at[0])
		if out[name] = change(in[name], at[1:], value); out[name] == (removed{}) {
			delete(out, name)
		}
		return out
	case []any:
		out, i := slices.Clone(in), at[0].(int)
		if out[i] = change(in[i], at[1:], value); out[i] == (removed{}) {
			return slices.Delete(out, i, i+1)
		}
		return out
	}
	return value
}

func path(at []step) string {
	var out strings.Builder
	out.WriteString("spec")
	for _, s := range at {
		if name, ok := s.(string); ok {
			out.WriteString("." + name)
		} else {
			fmt.Fprintf(&out, "[%d]", s)
		}
	}
	return out.String()
}
