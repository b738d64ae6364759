// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// first are the fields that people look for first, in their order; others follow by name.
var first = []string{
	"apiVersion", "name", "kind", "metadata", "spec", "namespace", "image", "version", "external", "schedule", "command", "args", "env",
	"envFrom", "port", "target", "ports", "replicas", "uses", "expose", "strategy",
}

// YAML is the Application as a file for people, with the notes before it. It fails on nothing that a Draft holds.
func (d *Draft) YAML() (string, error) {
	fields, err := sparse(d.Application)
	if err != nil {
		return "", err
	}
	delete(fields, "status")
	if meta, ok := fields["metadata"].(map[string]any); ok {
		delete(meta, "creationTimestamp")
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return "", err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return "", err
	}
	arrange(&node)
	var out bytes.Buffer
	for _, note := range d.Notes {
		fmt.Fprintf(&out, "# %s\n", strings.ReplaceAll(note.String(), "\n", " "))
	}
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&node); err != nil {
		return "", err
	}
	return out.String(), encoder.Close()
}

// arrange puts the fields in order, and lets YAML choose the style that JSON lacks.
func arrange(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle | yaml.DoubleQuotedStyle
	if n.Kind == yaml.MappingNode {
		pairs := slices.Collect(slices.Chunk(n.Content, 2))
		slices.SortStableFunc(pairs, func(a, b []*yaml.Node) int {
			return cmp.Or(cmp.Compare(place(a[0].Value), place(b[0].Value)), cmp.Compare(a[0].Value, b[0].Value))
		})
		n.Content = slices.Concat(pairs...)
	}
	for _, child := range n.Content {
		arrange(child)
	}
}

func place(field string) int {
	if i := slices.Index(first, field); i >= 0 {
		return i
	}
	return len(first)
}
