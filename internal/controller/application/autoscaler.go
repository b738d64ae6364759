// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/revision"
)

func (r *Reconciler) readAutoscalers(ctx context.Context, s *snapshot) (err error) {
	s.autoscalers, err = kube.Autoscalers(ctx, r.Client, s.app.Namespace)
	return err
}

// autoscaler of the version's pods; nil when nobody counts them. Foreign is true when it is not Weir's.
func (s snapshot) autoscaler(component, version string) (h *autoscalingv2.HorizontalPodAutoscaler, foreign bool) {
	if _, theirs := s.external[component]; theirs {
		return nil, false // whoever made the workload scales it, or has it scaled
	}
	h = s.autoscalers[revision.Name(component, version)]
	return h, h != nil && !metav1.IsControlledBy(h, s.app)
}

// counted are the versions of the component whose pods somebody else counts.
func (s snapshot) counted(w want) map[string]bool {
	out := map[string]bool{}
	for _, v := range w.versions {
		if _, foreign := s.autoscaler(w.component.Name, v.Version); foreign {
			out[v.Version] = true
		}
	}
	return out
}

// raise gives versions that an autoscaler counts the pods that a release wants them to have: the autoscaler is told first
// not to take them away again. Without a release it counts alone.
func (r *Reconciler) raise(ctx context.Context, s snapshot, wants []want) error {
	hands := kube.Applier{Client: r.Client, Reader: r.Reader}
	var faults []error
	for _, w := range wants {
		for _, v := range w.versions {
			h, foreign := s.autoscaler(w.component.Name, v.Version)
			least := v.Replicas
			if !w.moves() {
				least = 0
			}
			if foreign {
				_, err := hands.HoldFloor(ctx, h, least)
				faults = append(faults, err)
			}
			live, made := s.deployments[w.component.Name][v.Version]
			if w.component.Autoscale != nil {
				least = v.Replicas
			}
			autoscaled := foreign || w.component.Autoscale != nil
			if made && autoscaled && live.Spec.Replicas != nil && *live.Spec.Replicas < least {
				_, err := hands.Raise(ctx, &live, least)
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

// autoscalerWords say what is wrong with how the pods of the version that carries the traffic are counted; empty when
// nothing is, or nobody counts them.
func autoscalerWords(s snapshot, w want) string {
	h, foreign := s.autoscaler(w.component.Name, w.current)
	if h == nil {
		return ""
	}
	if foreign {
		return fmt.Sprintf("HorizontalPodAutoscaler %s counts the pods of %s alone, and the next version will have %d; say "+
			"autoscale, and each version has one of its own",
			h.Name, w.current, w.component.Pods())
	}
	for _, c := range h.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse && c.Reason != "ScalingDisabled" {
			return "the number of pods does not follow the load: " + c.Message
		}
	}
	return ""
}

// told is how many pods the version has, or is to have.
func (s snapshot) told(w want, v api.VersionWanted) int32 {
	if seen, theirs := s.external[w.component.Name]; theirs {
		return seen.Version(v.Version).Replicas
	}
	live, made := s.deployments[w.component.Name][v.Version]
	if h, _ := s.autoscaler(w.component.Name, v.Version); h != nil && made && live.Spec.Replicas != nil {
		return max(*live.Spec.Replicas, v.Replicas)
	}
	return v.Replicas
}
