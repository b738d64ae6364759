// SPDX-License-Identifier: Apache-2.0

// Package config makes the contents of the ConfigMaps and Secrets that a component names a part of its versions.
package config

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/revision"
)

// Kind is ConfigMap or Secret.
type Kind string

// The kinds of objects that hold contents.
const (
	ConfigMap Kind = "ConfigMap"
	Secret    Kind = "Secret"
)

// Object names a ConfigMap or Secret in the namespace of the application.
type Object struct {
	Kind Kind
	Name string
}

func (o Object) String() string { return fmt.Sprintf("%s %q", o.Kind, o.Name) }

// MarshalText writes the object as kind/name.
func (o Object) MarshalText() ([]byte, error) { return []byte(string(o.Kind) + "/" + o.Name), nil }

// UnmarshalText reads what MarshalText writes.
func (o *Object) UnmarshalText(text []byte) error {
	kind, name, ok := strings.Cut(string(text), "/")
	if o.Kind, o.Name = Kind(kind), name; !ok || o.Kind != ConfigMap && o.Kind != Secret {
		return fmt.Errorf("%q is no ConfigMap or Secret; write it as kind/name", text)
	}
	return nil
}

// Contents are the keys that objects have, each with a digest of its value. An object that does not exist is not among them.
type Contents map[Object]map[string]string

// Copy is a ConfigMap or Secret that is kept with a version. It holds some keys of another and never changes.
type Copy struct {
	// Name of the copy: the component's and a digest of what it holds. Who copies a copy gets the same name.
	Name string
	// Of is what it is a copy of.
	Of Object
	// Keys it holds, in order.
	Keys []string
}

// Object is the copy itself.
func (c Copy) Object() Object { return Object{c.Of.Kind, c.Name} }

// Fits tells whether the copy is one of an object that holds these values, by their digests.
func (c Copy) Fits(component string, values map[string]string) bool {
	for _, key := range c.Keys {
		if _, ok := values[key]; !ok {
			return false
		}
	}
	return c.Name == copyName(component, c.Of.Kind, values, c.Keys)
}

func copyName(component string, kind Kind, values map[string]string, keys []string) string {
	return revision.Name(component, digest(kind, values, keys))
}

// Resolve returns the component with copies in place of the ConfigMaps and Secrets that it names, so that other contents
// are another component, and the copies that it takes. The component itself is not changed. It fails when the pods could
// not start for want of an object or a key; the error names each by its field.
func Resolve(c api.Component, contents Contents) (api.Component, []Copy, error) {
	out := *c.DeepCopy()
	p := placesOf(&out)
	var copies []Copy
	var faults []error
	for _, o := range p.objects() {
		taken, missing := p.take(o, contents)
		if missing != nil {
			faults = append(faults, fmt.Errorf("spec.components[%s].%w", c.Name, missing))
			continue
		}
		name := absent(c.Name)
		if keys, there := contents[o]; there {
			name = copyName(c.Name, o.Kind, keys, taken)
			copies = append(copies, Copy{Name: name, Of: o, Keys: taken})
		}
		p.rename(o, name)
	}
	if err := errors.Join(faults...); err != nil {
		return api.Component{}, nil, err
	}
	p.close()
	return out, copies, nil
}

// absent stands for whatever is optional and does not exist: were its own name kept, the version would change when it
// comes to be.
func absent(component string) string { return component + "-absent" }

// Kept tells whether the object has the name of a copy that is kept with a version of the component.
func (o Object) Kept(component string) bool {
	tail, ok := strings.CutPrefix(o.Name, component+"-")
	if _, err := hex.DecodeString(tail); err != nil {
		return false
	}
	return ok && len(tail) == digestLength
}

// Objects are those that the component names, in order.
func Objects(c api.Component) []Object { return placesOf(c.DeepCopy()).objects() }

// Uses is true when the component, as it was frozen, takes the copy.
func Uses(frozen api.Component, copied Object) bool {
	return slices.Contains(Objects(frozen), copied)
}

// take returns the keys that are taken of the object, in order, and what is missing.
func (p places) take(o Object, contents Contents) ([]string, error) {
	there, exists := contents[o]
	taken := map[string]bool{}
	for _, r := range p.all {
		if r.object != o {
			continue
		}
		if !exists && !r.optional {
			return nil, fmt.Errorf("%s: there is no %s in this namespace; create it; until then the version stays as it is", r.field, o)
		}
		for _, key := range r.keys {
			if _, has := there[key]; !has && !r.optional {
				return nil, fmt.Errorf("%s: %s has no key %q; add it; until then the version stays as it is", r.field, o, key)
			}
			taken[key] = true
		}
		if len(r.keys) == 0 {
			for key := range there {
				taken[key] = true
			}
		}
	}
	maps.DeleteFunc(taken, func(key string, _ bool) bool { _, has := there[key]; return !has })
	return slices.Sorted(maps.Keys(taken)), nil
}

// objects are those that are named, each once, in order.
func (p places) objects() []Object {
	var out []Object
	for _, r := range p.all {
		out = append(out, r.object)
	}
	slices.SortFunc(out, func(a, b Object) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return slices.Compact(out)
}

func (p places) rename(o Object, name string) {
	for _, r := range p.all {
		if r.object == o {
			r.rename(name)
		}
	}
}
