// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"math"
	"time"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/release"
	"weir.dev/weir/internal/release/analysis"
)

// Evidence is what a step has to prove, and whether there are requests enough for it.
type Evidence struct {
	// Requests to the new version below which nothing is judged.
	Requests int64 `json:"requests"`
	// Notice is how many requests to it are needed to notice, in nine of ten cases, a version that is worse than it may be by
	// as much as the preview was asked for; 0 when nothing that is asked for would.
	Notice int64 `json:"notice,omitempty"`
	// Rate is how many requests a second the new version gets; 0 when that is not known.
	Rate float64 `json:"rate,omitempty"`
	// Seconds until the requests are there; 0 when that is not known.
	Seconds float64 `json:"seconds,omitempty"`
	// Message says in words whether there are enough.
	Message string `json:"message"`
}

func (in Input) evidence(a api.Analysis, stage release.Stage, rate float64, steps int) *Evidence {
	e := &Evidence{Requests: a.MinRequests}
	if e.Requests <= 0 {
		e.Requests = 50
	}
	fault := analysis.Fault{Usual: in.Errors / 100, More: in.Notice / 100, Beside: 1}
	if stage.Weight > 0 {
		fault.Beside = float64(100-stage.Weight) / float64(stage.Weight)
	}
	e.Notice = analysis.Needed(a, steps, fault)
	share := float64(stage.Weight) / 100
	if m := stage.Mirror; m != nil {
		share += (1 - share) * float64(m.Percent) / 100
	}
	e.Rate = rate * share
	e.Message = e.words(a, len(stage.Match) > 0, in.Notice)
	return e
}

// words say whether the requests are enough, and set how long they take.
func (e *Evidence) words(a api.Analysis, matched bool, notice float64) string {
	words := fmt.Sprintf("needs %d requests", e.Requests)
	switch {
	case e.Rate <= 0 && matched:
		words += "; how many match is not known"
	case e.Rate <= 0:
		words += "; how many come is not known"
	default:
		e.Seconds = math.Ceil(float64(e.Requests) / e.Rate)
		words += e.timeWords(analysis.Deadline(a))
	}
	if e.Notice > e.Requests {
		words += fmt.Sprintf("; %d to notice %g in 100 more failures than are allowed", e.Notice, notice)
	}
	return words
}

func (e *Evidence) timeWords(deadline time.Duration) string {
	took := time.Duration(e.Seconds) * time.Second
	if took > deadline {
		return fmt.Sprintf(", and %.2g a second make that many only after %s: too few for the deadline of %s",
			e.Rate, seconds(e.Seconds), seconds(deadline.Seconds()))
	}
	return fmt.Sprintf(", there after %s at %.3g a second", seconds(e.Seconds), e.Rate)
}
