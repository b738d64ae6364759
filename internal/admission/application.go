// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/strategy"
	"weir.dev/weir/internal/release"
)

// Around is what else there is.
type Around struct {
	// Strategies that components name, by name, as the namespace means them.
	Strategies map[string]api.StrategySpec
	// Applications of the cluster, or those that may be in the way: all of the namespace, and those that are exposed.
	Applications []api.Application
}

// Application judges a write of an Application; before is nil when it is new.
func Application(before, after *api.Application, around Around) Verdict {
	v := Verdict{Faults: applicationFaults(after, around), Warnings: missing(after, around)}
	if before == nil {
		return v
	}
	return v.since(applicationFaults(before, around))
}

func applicationFaults(a *api.Application, around Around) []string {
	if faults := spread(plan.Accept(a)); len(faults) > 0 {
		return faults // nothing can be made of it
	}
	return slices.Concat(compile(a), strategies(a, around), units(a, around), conflicts(a, around.Applications))
}

// compile makes all that the application comes to when it is settled, and looks at the whole.
func compile(a *api.Application) []string {
	objects, err := plan.Objects(plan.Settled(a))
	if err != nil {
		return prefixed("what would be made of it: ", spread(err))
	}
	return prefixed("what would be made of it: ", spread(plan.Check(objects)))
}

func prefixed(with string, lines []string) []string {
	for i := range lines {
		lines[i] = with + lines[i]
	}
	return lines
}

// strategies looks whether those that are there can be carried out for the components that name them.
func strategies(a *api.Application, around Around) []string {
	var faults []string
	alone := map[string]field.ErrorList{} // what has to be compiled is compiled once
	for _, c := range a.Spec.Components {
		spec, known := around.Strategies[c.Strategy]
		if !known {
			continue
		}
		if _, looked := alone[c.Strategy]; !looked {
			alone[c.Strategy] = strategy.Alone(spec)
		}
		for _, fault := range slices.Concat(strategy.Fit(spec, a, c.Name), alone[c.Strategy]) {
			faults = append(faults,
				fmt.Sprintf("spec.components[%s].strategy: the Strategy %q cannot be carried out: %v", c.Name, c.Strategy, fault))
		}
	}
	return faults
}

// missing are warnings, since what is missing may be created next.
func missing(a *api.Application, around Around) []string {
	var out []string
	for _, c := range a.Spec.Components {
		if _, known := around.Strategies[c.Strategy]; !known && c.Strategy != "" {
			out = append(out, fmt.Sprintf("spec.components[%s].strategy: there is no Strategy %q yet; until there is, versions stay", c.Name,
				c.Strategy))
		}
	}
	return out
}

// units looks whether what moves as one takes the same steps.
func units(a *api.Application, around Around) []string {
	var faults []string
	for _, t := range a.Spec.Together {
		first, steps := "", 0
		for _, name := range t.Components {
			i := slices.IndexFunc(a.Spec.Components, func(c api.Component) bool { return c.Name == name })
			if i < 0 {
				continue
			}
			spec, known := around.Strategies[a.Spec.Components[i].Strategy]
			if !known && a.Spec.Components[i].Strategy != "" {
				continue
			}
			n := len(release.Stages(spec))
			if first == "" {
				first, steps = name, n
			}
			if n != steps {
				faults = append(faults, fmt.Sprintf("spec.together[%s]: %s is released in %d steps and %s in %d; what moves as one needs "+
					"strategies with the same number of steps", t.Name, first, steps, name, n))
			}
		}
	}
	return faults
}

// conflicts are what two applications cannot both have: the name of a component in a namespace, since it is the name that
// others call, and what is answered at the gateway.
func conflicts(a *api.Application, others []api.Application) []string {
	var faults []string
	for i := range others {
		o := &others[i]
		if o.Namespace != a.Namespace || o.Name == a.Name || o.DeletionTimestamp != nil {
			continue
		}
		for _, c := range a.Spec.Components {
			if slices.ContainsFunc(o.Spec.Components, func(d api.Component) bool { return d.Name == c.Name }) {
				faults = append(faults,
					fmt.Sprintf("spec.components[%s].name: application %s of this namespace has a component of this name; rename one", c.Name, o.Name))
			}
		}
	}
	for _, fault := range plan.Collisions(a, others) {
		faults = append(faults, fault.Error())
	}
	return faults
}
