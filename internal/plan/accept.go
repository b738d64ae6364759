// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/revision"
	"weir.dev/weir/internal/plan/use"
	"weir.dev/weir/internal/plan/workload"
)

// Accept refuses what no version may be made of, before it is kept. The error names every fault by its field.
func Accept(a *api.Application) error {
	var faults []error
	var targets []use.Target
	for _, c := range a.Spec.Components {
		for _, text := range c.Uses {
			t := use.Parse(a, text)
			targets = append(targets, t)
			if t.Of(a) && !slices.ContainsFunc(a.Spec.Components, func(o api.Component) bool { return o.Name == t.Component && o.Name != c.Name }) {
				faults = append(faults,
					fmt.Errorf("spec.components[%s].uses: %s names no other component of this application; correct it, or leave it out", c.Name, text))
			}
		}
		for _, fault := range slices.Concat(workload.CheckTemplate(c), checkProbes(c), checkExpose(c)) {
			faults = append(faults, fmt.Errorf("spec.components[%s].%w", c.Name, fault))
		}
		if c.External {
			continue
		}
		for _, fault := range workload.CheckFields(c) {
			faults = append(faults, fmt.Errorf("spec.components[%s].%w", c.Name, fault))
		}
	}
	faults = append(faults, checkOutside(a)...)
	for _, fault := range use.Conflicts(targets) {
		faults = append(faults, fmt.Errorf("spec.components.uses: %w", fault))
	}
	return errors.Join(append(faults, checkTaken(a)...)...)
}

// checkTaken finds what would never be taken over, since there is no component to take its place.
func checkTaken(a *api.Application) []error {
	var faults []error
	for _, t := range a.Spec.TakesOver {
		i := slices.IndexFunc(a.Spec.Components, func(c api.Component) bool { return c.Name == t.Name })
		switch {
		case t.Kind == "Service" && i < 0:
			faults = append(faults, fmt.Errorf("spec.takesOver[Service %s]: there is no component %s that it could lead to; take it out, "+
				"and it stays as it is", t.Name, t.Name))
		case t.Kind == "StatefulSet" && (i < 0 || a.Spec.Components[i].Kind != api.StatefulSet):
			faults = append(faults, fmt.Errorf("spec.takesOver[StatefulSet %s]: there is no component %s of kind StatefulSet, and what its pods "+
				"keep goes by that name; take it out, and it stays as it is", t.Name, t.Name))
		}
	}
	for _, c := range a.Spec.Components {
		if version := revision.Version(c, nil); slices.Contains(a.Spec.TakesOver,
			api.Taken{Kind: "Deployment", Name: revision.Name(c.Name, version)}) {
			faults = append(faults,
				fmt.Errorf("spec.components[%s].version: version %s would be Deployment %s, which was taken over and is kept for the way "+
					"back; name the version otherwise, such as %s-weir, or delete that Deployment and take it out of takesOver",
					c.Name, version, revision.Name(c.Name, version), version))
		}
	}
	return faults
}

// checkExpose finds what the schema does not see, since a protocol can be said in several ways.
func checkExpose(c api.Component) []error {
	if c.Expose != nil && c.Expose.TCP != 0 {
		return checkStream(c)
	}
	if _, ok := port.Exposed(c); ok || c.Expose == nil {
		return nil
	}
	return []error{errors.New("expose: requests from outside need a port that speaks http, http2, grpc or grpc-web, and none of the ports " +
		"does by its protocol, appProtocol or name; correct it, or name another port")}
}

// checkProbes finds probes of ports that the component does not have by that name: they would never succeed.
func checkProbes(c api.Component) []error {
	var faults []error
	for _, probe := range []struct {
		field string
		*corev1.Probe
	}{{"readiness", c.Readiness}, {"liveness", c.Liveness}, {"startup", c.Startup}} {
		for _, p := range port.Probed(probe.Probe) {
			if p.Type == intstr.String && !named(c, p.StrVal) {
				faults = append(faults, fmt.Errorf("%s: the component has no port named %q; write a number, or the name of one of its ports",
					probe.field, p.StrVal))
			}
		}
	}
	return faults
}

func named(c api.Component, name string) bool {
	if _, ok := port.Number(c, name); ok {
		return true
	}
	return slices.ContainsFunc(port.Resolve(c), func(p api.Port) bool { return port.Name(p) == name })
}
