// SPDX-License-Identifier: Apache-2.0

package sequential

import "math"

// Rate is how many events were counted in how many seconds. They are taken to come independently of each other.
type Rate struct{ Events, Seconds float64 }

// Above is the evidence that the true rate is above bound, in events a second.
func (r Rate) Above(bound float64) Evidence {
	return r.beyond(bound, min(r.Events, bound*r.Seconds))
}

// Below is the evidence that the true rate is below bound, in events a second.
func (r Rate) Below(bound float64) Evidence {
	return r.beyond(bound, max(r.Events, bound*r.Seconds))
}

// beyond mixes over rates that are exponentially distributed around twice the bound. The likelihood is Poisson's.
func (r Rate) beyond(bound, allowed float64) Evidence {
	expected := bound * r.Seconds
	if r.Seconds <= 0 || expected <= 0 && r.Events <= 0 {
		return Evidence{Nats: math.Inf(-1)}
	}
	if allowed <= 0 {
		return Evidence{math.Inf(1), math.Inf(1)}
	}
	mean := 2 * max(expected, 1e-300)
	mixture := logGamma(r.Events+1) - math.Log(mean) - (r.Events+1)*math.Log1p(1/mean)
	null, best := r.likelihood(allowed), r.likelihood(r.Events)
	return Evidence{Nats: mixture - null, Gain: best - null}
}

// likelihood is the logarithm of that of so many events expected, without what is the same for all.
func (r Rate) likelihood(expected float64) float64 {
	return times(r.Events, math.Log(expected)) - expected
}
