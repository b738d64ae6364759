// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	api "weir.dev/weir/api/v1alpha1"
	engine "weir.dev/weir/internal/release"
)

// question is what a server is sent, as JSON.
type question struct {
	// Key is the same for each time that this gate is asked at this point and step of this release.
	Key         string `json:"key"`
	Namespace   string `json:"namespace"`
	Release     string `json:"release"`
	Application string `json:"application"`
	Component   string `json:"component"`
	From        string `json:"from"`
	To          string `json:"to"`
	Gate        string `json:"gate"`
	// Point of the release, as the gate's at; Step that is to begin, 0 at points that come once.
	Point api.GatePoint `json:"point"`
	Step  int32         `json:"step"`
	// Weights of the versions now, in percent, and Next those that the gate would let through; left out where none follow.
	Weights map[string]int32 `json:"weights"`
	Next    map[string]int32 `json:"next,omitempty"`
	// Phase the release is in, Reason of its way back and Message in words.
	Phase   api.ReleasePhase `json:"phase"`
	Reason  string           `json:"reason,omitempty"`
	Message string           `json:"message,omitempty"`
}

func questionOf(r *api.Release, ask engine.Ask) question {
	q := question{
		Key: keyOf(r, ask), Namespace: r.Namespace, Release: r.Name, Application: r.Spec.Application, Component: r.Spec.Component,
		From: r.Spec.From, To: r.Spec.To, Gate: ask.Name, Point: ask.Point, Step: ask.Step, Weights: map[string]int32{},
		Next: next(r, ask), Phase: r.Status.Phase, Reason: r.Status.Reason, Message: r.Status.Message,
	}
	for _, w := range r.Status.Wanted {
		q.Weights[w.Version] = w.Weight
	}
	return q
}

// next are the weights of the step that the gate stands before.
func next(r *api.Release, ask engine.Ask) map[string]int32 {
	const whole = 100
	to := int32(whole)
	switch stages := engine.Stages(r.Spec.Strategy); {
	case ask.Point == api.GateBeforeStep && ask.Step > 0:
		to = stages[min(int(ask.Step), len(stages))-1].Weight
	case ask.Point != api.GateBeforePromotion:
		return nil
	}
	return map[string]int32{r.Spec.From: whole - to, r.Spec.To: to}
}

// keyOf names one question for ever.
func keyOf(r *api.Release, ask engine.Ask) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s/%d", r.UID, ask.Point, ask.Name, ask.Step))
	return hex.EncodeToString(sum[:16])
}
