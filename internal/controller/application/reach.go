// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"time"

	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan"
)

// reachAgain is how long after a no callers are looked at again.
const reachAgain = 100 * time.Millisecond

// reach finds the components whose pods have become ready while some caller's proxy does not know of them yet, and returns
// when to look again. A component that was ready before is not asked about, nor one that is being released.
func (r *Reconciler) reach(ctx context.Context, s *snapshot, wants []want) time.Duration {
	wake := time.Duration(0)
	s.unreached = map[string]bool{}
	if s.taking.active && !s.taking.step.Routes {
		return 0 // there are no routes to know of yet
	}
	for _, w := range wants {
		if r.Prover == nil || w.underWay() || wasReady(*s, w) || componentStatus(*s, w).Message != "" {
			continue
		}
		route, routed := r.routeOf(*s, w)
		if !routed || len(route.Ports) == 0 {
			continue
		}
		// Whether istiod can be asked is no question of the application's health.
		if proof, err := r.Prover.Prove(ctx, route); err == nil && !proof.Served {
			s.unreached[w.component.Name] = true
			wake = reachAgain
		}
	}
	return wake
}

func (r *Reconciler) routeOf(s snapshot, w want) (mesh.Route, bool) {
	in, err := r.input(s, []want{w})
	if err != nil {
		return mesh.Route{}, false
	}
	return plan.Route(s.app.Namespace, in.Components[0])
}

func wasReady(s snapshot, w want) bool {
	for _, c := range s.app.Status.Components {
		if c.Name == w.component.Name {
			return c.Message == ""
		}
	}
	return false
}
