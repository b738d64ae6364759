// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
)

// reference is a place in a component where an object is named.
type reference struct {
	object Object
	// keys that are taken; all when there are none.
	keys     []string
	optional bool
	// field below the component.
	field  string
	rename func(string)
}

// places are all the places of a component. They point into it.
type places struct {
	all []reference
	// close writes what was renamed inside of the template.
	close func()
}

// placesOf finds them. Accounts of image registries are none: they shape no pods, and may change without a release.
func placesOf(c *api.Component) places {
	p := places{close: func() {}}
	if c.External {
		return p
	}
	p.env("", c.Env)
	for i := range c.Init {
		p.env(fmt.Sprintf("init[%s].", c.Init[i].Name), c.Init[i].Env)
	}
	for i := range c.EnvFrom {
		p.envFrom(i, &c.EnvFrom[i])
	}
	for i := range c.Volumes {
		v := &c.Volumes[i]
		field := fmt.Sprintf("volumes[%s].", v.Name)
		p.add(Object{ConfigMap, v.ConfigMap}, reference{field: field + "configMap", rename: setter(&v.ConfigMap)})
		p.add(Object{Secret, v.Secret}, reference{field: field + "secret", rename: setter(&v.Secret)})
	}
	p.template(c)
	return p
}

func (p *places) add(o Object, r reference) {
	if o.Name != "" {
		r.object = o
		p.all = append(p.all, r)
	}
}

func (p *places) env(at string, env []corev1.EnvVar) {
	for i := range env {
		from := env[i].ValueFrom
		if from == nil {
			continue
		}
		field := fmt.Sprintf("%senv[%s].valueFrom.", at, env[i].Name)
		if ref := from.ConfigMapKeyRef; ref != nil {
			p.add(Object{ConfigMap, ref.Name}, reference{
				keys: []string{ref.Key}, optional: ptr.Deref(ref.Optional, false), field: field + "configMapKeyRef", rename: setter(&ref.Name),
			})
		}
		if ref := from.SecretKeyRef; ref != nil {
			p.add(Object{Secret, ref.Name}, reference{
				keys: []string{ref.Key}, optional: ptr.Deref(ref.Optional, false), field: field + "secretKeyRef", rename: setter(&ref.Name),
			})
		}
	}
}

func (p *places) envFrom(i int, from *corev1.EnvFromSource) {
	field := fmt.Sprintf("envFrom[%d].", i)
	if ref := from.ConfigMapRef; ref != nil {
		p.add(Object{ConfigMap, ref.Name}, reference{
			optional: ptr.Deref(ref.Optional, false), field: field + "configMapRef", rename: setter(&ref.Name),
		})
	}
	if ref := from.SecretRef; ref != nil {
		p.add(Object{Secret, ref.Name}, reference{
			optional: ptr.Deref(ref.Optional, false), field: field + "secretRef", rename: setter(&ref.Name),
		})
	}
}

func setter(at *string) func(string) { return func(name string) { *at = name } }
