// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"maps"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// Chance draws from bytes, so that a fuzzer may choose. When there are none left, it draws zeros.
type Chance struct{ bytes []byte }

// NewChance draws from the bytes.
func NewChance(bytes []byte) *Chance { return &Chance{bytes} }

// N is a number below n, which is 256 at the most.
func (c *Chance) N(n int) int {
	if len(c.bytes) == 0 || n <= 1 {
		return 0
	}
	b := c.bytes[0]
	c.bytes = c.bytes[1:]
	return int(b) % n
}

func (c *Chance) one(in int) bool { return c.N(in) == in-1 }

// text is as the bytes have it.
func (c *Chance) text() string {
	n := min(c.N(24), len(c.bytes))
	out := string(c.bytes[:n])
	c.bytes = c.bytes[n:]
	return strings.ToValidUTF8(out, "?")
}

func pick[T any](c *Chance, from []T) T { return from[c.N(min(len(from), 256))] }

// Change returns a copy of the spec in which several fields, anywhere in what the schema allows, have other values.
func (c *Chance) Change(spec map[string]any, s Schema) map[string]any {
	var out any = spec
	for range 1 + c.N(4) {
		out = c.change("", out, s)
	}
	changed, ok := out.(map[string]any)
	if !ok {
		return map[string]any{}
	}
	return changed
}

// change goes down to some field and changes it there.
func (c *Chance) change(name string, value any, s Schema) any {
	switch old := value.(type) {
	case map[string]any:
		if len(s.Properties) == 0 || name != "" && c.one(8) {
			return c.value(name, s, 0)
		}
		field := pick(c, slices.Sorted(maps.Keys(s.Properties)))
		out := maps.Clone(old)
		if _, said := out[field]; said && c.one(5) {
			delete(out, field)
			return out
		}
		out[field] = c.change(field, out[field], s.Properties[field])
		return out
	case []any:
		item := itemOf(s)
		switch out := slices.Clone(old); {
		case len(out) == 0 || c.one(8):
			return c.value(name, s, 0)
		case c.one(3):
			return append(out, c.value(name, item, 0))
		default:
			i := c.N(len(out))
			out[i] = c.change(name, out[i], item)
			return out
		}
	default:
		return c.value(name, s, 0)
	}
}

func itemOf(s Schema) Schema {
	if s.Items == nil || s.Items.Schema == nil {
		return Schema{}
	}
	return *s.Items.Schema
}

// value is one that the schema of the field allows, most often.
func (c *Chance) value(name string, s Schema, depth int) any {
	if len(s.Enum) > 0 && !c.one(12) {
		return enumerated(pick(c, s.Enum))
	}
	switch {
	case s.XIntOrString:
		return pick(c, []any{int64(80), int64(8080), "web", "80", int64(0), c.word(name)})
	case s.XPreserveUnknownFields != nil && *s.XPreserveUnknownFields:
		return map[string]any{"terminationGracePeriodSeconds": int64(c.N(100))}
	}
	switch s.Type {
	case "boolean":
		return c.N(2) == 1
	case "integer", "number":
		return c.number(s)
	case "array":
		out := []any{}
		for range c.N(4) {
			out = append(out, c.value(name, itemOf(s), depth+1))
		}
		return out
	case "object":
		return c.object(s, depth)
	default:
		return c.word(name)
	}
}

func enumerated(e apiextensions.JSON) any { return strings.Trim(string(e.Raw), `"`) }

func (c *Chance) number(s Schema) any {
	least, most := int64(0), int64(1)<<31
	if s.Minimum != nil {
		least = int64(*s.Minimum)
	}
	if s.Maximum != nil {
		most = int64(*s.Maximum)
	}
	return pick(c, []int64{least, least + int64(c.N(256)), most, least + 1, 80, 443, 8080, 5432, 1, 10, 50, 100, least - 1, most + 1})
}

// deepest is how far values are made within values.
const deepest = 4

func (c *Chance) object(s Schema, depth int) map[string]any {
	out := map[string]any{}
	for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
		if slices.Contains(s.Required, field) || depth < deepest && c.one(3) {
			out[field] = c.value(field, s.Properties[field], depth+1)
		}
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		for range c.N(3) {
			out[c.word("key")] = c.value("value", *s.AdditionalProperties.Schema, depth+1)
		}
	}
	return out
}
