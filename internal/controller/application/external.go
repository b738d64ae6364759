// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/external"
)

// How often workloads that are somebody else's are looked at, of which no event tells: while something is waited for, and
// otherwise.
const (
	lookAtAwaited, lookAtSettled = time.Second, 10 * time.Second
)

// readExternal looks at the workloads that are somebody else's.
func (r *Reconciler) readExternal(ctx context.Context, s *snapshot) error {
	s.external = map[string]external.Seen{}
	for _, c := range s.app.Spec.Components {
		if !c.External {
			continue
		}
		seen, err := kube.External(ctx, r.Reader, s.app.Namespace, c.Name)
		if err != nil {
			return err
		}
		s.external[c.Name], s.pods[c.Name] = seen, map[string][]corev1.Pod{}
		for _, p := range seen.Pods {
			version := p.Labels[external.LabelVersion]
			s.pods[c.Name][version] = append(s.pods[c.Name][version], p)
		}
	}
	return nil
}

// lacks says what keeps requests from being routed to the version of a component whose workloads are somebody else's; empty
// when nothing does.
func (s snapshot) lacks(w want, version string) string {
	seen, known := s.external[w.component.Name]
	if !known {
		return ""
	}
	return seen.Lacks(w.component, version)
}

// awaits tells whether a version that is asked for has not been deployed by its owner yet.
func (g group) awaits(s snapshot) bool {
	for _, w := range g.starters() {
		if s.lacks(w, w.desired) != "" {
			return true
		}
	}
	return false
}

// lookAgain is when to look at what is somebody else's; 0 when nothing is.
func (s snapshot) lookAgain(wants []want) time.Duration {
	out := time.Duration(0)
	for _, w := range wants {
		switch {
		case !w.component.External:
		case w.desired != w.current || componentStatus(s, w).Message != "":
			return lookAtAwaited
		default:
			out = lookAtSettled
		}
	}
	return out
}
