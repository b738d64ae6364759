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

// power is how surely a comparison should notice a version that is worse.
const power = 0.9

// Evidence is what a step has to prove, and whether there are requests enough for it.
type Evidence struct {
	// Requests to the new version below which nothing is judged.
	Requests int64 `json:"requests"`
	// Notice is how many requests to it a comparison needs to notice, in nine of ten cases, a version that is worse by as
	// much as the preview was asked for; 0 when nothing is compared.
	Notice int64 `json:"notice,omitempty"`
	// Rate is how many requests a second the new version gets; 0 when that is not known.
	Rate float64 `json:"rate,omitempty"`
	// Seconds until the requests are there; 0 when that is not known.
	Seconds float64 `json:"seconds,omitempty"`
	// Message says in words whether there are enough.
	Message string `json:"message"`
}

func (in Input) evidence(a api.Analysis, stage release.Stage, rate float64) *Evidence {
	e := &Evidence{Requests: a.MinRequests}
	if e.Requests <= 0 {
		e.Requests = 50
	}
	beside := stage.Weight < 100
	if c := a.Compare; c != nil && beside {
		ratio := 1.0
		if stage.Weight > 0 {
			ratio = float64(100-stage.Weight) / float64(stage.Weight)
		}
		e.Notice = comparison{
			base: in.Errors / 100, margin: c.MaxErrorIncrease / 100, effect: in.Notice / 100, ratio: ratio, confidence: confidence(*c),
		}.requests()
	}
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

func confidence(c api.Compare) float64 {
	if c.Confidence <= 0 {
		return 0.99
	}
	return c.Confidence / 100
}

// comparison is a test of two shares against a margin: base is the old version's share of failures, effect is what is to be
// noticed beyond the margin, ratio is how many requests the old version gets for one to the new.
type comparison struct {
	base, margin, effect, ratio, confidence float64
}

// requests to the new version that the test needs: the sample size for two proportions, one-sided, with a margin (S.-C.
// Chow, J. Shao, H. Wang, Sample Size Calculations in Clinical Research, 2nd ed. (2008), section 4.2.2).
func (c comparison) requests() int64 {
	worse := min(c.base+c.margin+c.effect, 1)
	spread := c.base*(1-c.base)/c.ratio + worse*(1-worse)
	z := normal(c.confidence) + normal(power)
	return int64(math.Ceil(z * z * spread / (c.effect * c.effect)))
}

// normal is the quantile of the standard normal distribution.
func normal(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
