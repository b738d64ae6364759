// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/strategy"
)

// readStrategies reads those that the components name.
func (r *Reconciler) readStrategies(ctx context.Context, s *snapshot) error {
	all := kube.Strategies{Reader: r.Client, Templates: r.Templates}
	for _, c := range s.app.Spec.Components {
		if _, known := s.strategies[c.Strategy]; known || c.Strategy == "" {
			continue
		}
		found, err := all.Find(ctx, s.app.Namespace, c.Strategy)
		switch {
		case err != nil:
			return err
		case found != nil:
			s.strategies[c.Strategy] = found.Spec
			s.borrowed[c.Strategy] = found.Namespace != s.app.Namespace
		case s.named == "":
			if s.named, err = all.Names(ctx, s.app.Namespace); err != nil {
				return err
			}
		}
	}
	return nil
}

// shadowed asks past the cache whether the namespace has a Strategy of its own that the cache does not show yet, where a
// template would be taken.
func (r *Reconciler) shadowed(ctx context.Context, s snapshot, g group) (bool, error) {
	for _, w := range g.wants {
		if !s.borrowed[w.component.Strategy] {
			continue
		}
		found, err := kube.Strategies{Reader: r.Reader}.Find(ctx, s.app.Namespace, w.component.Strategy)
		if err != nil || found != nil {
			return found != nil, err
		}
	}
	return false, nil
}

// strategyOf returns the strategy of the component, or why it cannot be carried out; an empty one when it names none.
func strategyOf(s snapshot, c api.Component) (api.StrategySpec, error) {
	if c.Strategy == "" {
		return api.StrategySpec{}, nil
	}
	spec, ok := s.strategies[c.Strategy]
	if !ok {
		return spec, awaited{fmt.Errorf("spec.components[%s].strategy: there is no Strategy %q; %s; create it, "+
			"or name another; until then the version stays",
			c.Name, c.Strategy, s.named)}
	}
	if faults := strategy.Check(spec, s.app, c.Name); len(faults) > 0 {
		return spec, awaited{fmt.Errorf("spec.components[%s].strategy: the Strategy %q cannot be carried out: %w; correct it, "+
			"or name another; until then the version stays",
			c.Name, c.Strategy, faults.ToAggregate())}
	}
	return spec, nil
}

// strategiesCondition tells of strategies that cannot be carried out before a new version needs them.
func strategiesCondition(s snapshot) metav1.Condition {
	var wrong []string
	for _, c := range s.app.Spec.Components {
		if _, err := strategyOf(s, c); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if len(wrong) > 0 {
		return metav1.Condition{Type: api.ConditionStrategies, Status: metav1.ConditionFalse, Reason: "Refused",
			Message: strings.Join(wrong, "; ")}
	}
	return metav1.Condition{Type: api.ConditionStrategies, Status: metav1.ConditionTrue, Reason: "Accepted",
		Message: "every strategy that is named can be carried out"}
}
