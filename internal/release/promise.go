// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

// Check tells which promise is broken when the status after follows the status before; nil when all are kept. Decide
// keeps them by its rules; this is a second look that knows nothing of the rules.
func Check(now time.Time, spec api.ReleaseSpec, before, after api.ReleaseStatus) error {
	for _, promise := range []func() error{
		func() error { return checkWeights(after) },
		func() error { return checkConnected(spec, before, after) },
		func() error { return checkRetired(now, spec, before, after) },
		func() error { return checkForgotten(spec, before, after) },
		func() error { return checkTurned(before, after) },
		func() error { return checkCapacity(spec, after) },
		func() error { return checkStep(spec, before, after) },
		func() error { return checkGates(spec, before, after) },
		func() error { return checkHours(now, spec, before, after) },
	} {
		if err := promise(); err != nil {
			return err
		}
	}
	return nil
}

// checkWeights: weights sum to 100, and who gets requests can be reached and has pods.
func checkWeights(after api.ReleaseStatus) error {
	var sum int32
	for _, w := range after.Wanted {
		switch {
		case w.Weight < 0:
			return fmt.Errorf("%s has the weight %d", w.Version, w.Weight)
		case has(w) && !w.Subset:
			return fmt.Errorf("%s gets %d %% without a subset", w.Version, w.Weight)
		case has(w) && w.Replicas <= 0:
			return fmt.Errorf("%s gets %d %% without pods", w.Version, w.Weight)
		}
		sum += w.Weight
	}
	if sum != whole {
		return fmt.Errorf("weights sum to %d instead of 100", sum)
	}
	return nil
}

// has is true for a version that gets requests, or copies of them.
func has(w api.VersionWanted) bool { return w.Weight > 0 || len(w.Match) > 0 || w.Mirror != nil }

// checkConnected: the new version has pods before it can be reached, and gets its first share after every caller was
// seen to know its subset.
func checkConnected(spec api.ReleaseSpec, before, after api.ReleaseStatus) error {
	was, is := wantedOf(before, spec.To), wantedOf(after, spec.To)
	if is.Subset && !was.Subset && was.Replicas == 0 {
		return fmt.Errorf("%s can be reached before it has pods", spec.To)
	}
	if !has(is) || has(was) {
		return nil
	}
	if !was.Subset || !seen(after, 0) {
		return fmt.Errorf("%s gets %d %% before every caller was seen to know it", spec.To, is.Weight)
	}
	return nil
}

// seen is true when every caller was seen to serve the weight of the new version, with neither matches nor copies, and
// none has been behind since.
func seen(s api.ReleaseStatus, weight int32) bool {
	v := s.Verified
	return v != nil && v.Weight == weight && !v.Matched && !v.Mirrored && len(v.Lagging) == 0
}

// checkRetired: a version that had requests loses its pods after every caller was seen to leave it, and after the drain.
func checkRetired(now time.Time, spec api.ReleaseSpec, before, after api.ReleaseStatus) error {
	for version, left := range map[string]int32{spec.From: whole, spec.To: 0} {
		was, is := wantedOf(before, version), wantedOf(after, version)
		if was.Replicas == 0 || is.Replicas > 0 || len(before.Steps) == 0 {
			continue
		}
		switch {
		case has(was):
			return fmt.Errorf("%s loses its pods while it has %d %%", version, was.Weight)
		case !seen(before, left):
			return fmt.Errorf("%s loses its pods before every caller was seen to leave it", version)
		case before.DrainUntil == nil || now.Before(before.DrainUntil.Time):
			return fmt.Errorf("%s loses its pods before its drain is over", version)
		}
	}
	return nil
}

// checkForgotten: a subset goes after its pods were told to.
func checkForgotten(spec api.ReleaseSpec, before, after api.ReleaseStatus) error {
	for _, version := range []string{spec.From, spec.To} {
		if was := wantedOf(before, version); was.Subset && was.Replicas > 0 && !wantedOf(after, version).Subset {
			return fmt.Errorf("%s loses its subset before its pods", version)
		}
	}
	return nil
}

// checkTurned: what goes back goes all the way back, and what has ended stays.
func checkTurned(before, after api.ReleaseStatus) error {
	switch {
	case before.Phase.Finished() && before.Phase != after.Phase:
		return fmt.Errorf("%s turns into %s", before.Phase, after.Phase)
	case before.Reason != "" && before.Reason != after.Reason:
		return fmt.Errorf("the way back for %s becomes one for %q", before.Reason, after.Reason)
	case after.Reason != "" && after.Phase == api.ReleasePromoted:
		return fmt.Errorf("promoted on the way back for %s", after.Reason)
	default:
		return nil
	}
}

// checkCapacity: while requests are shared, each version has the pods for its share, and the old one has them all.
func checkCapacity(spec api.ReleaseSpec, after api.ReleaseStatus) error {
	from, to := wantedOf(after, spec.From), wantedOf(after, spec.To)
	if after.Phase != api.ReleaseShifting && after.Phase != api.ReleaseObserving {
		return nil
	}
	if int64(to.Replicas)*int64(whole) < int64(from.Replicas)*int64(to.Weight) {
		return fmt.Errorf("%s gets %d %% with %d pods, where %s has %d", spec.To, to.Weight, to.Replicas, spec.From, from.Replicas)
	}
	return nil
}

// checkStep: the next step, and the end of the old version, come after the step before was seen and has passed. A promotion
// passes steps over, but not the last.
func checkStep(spec api.ReleaseSpec, before, after api.ReleaseStatus) error {
	ends := after.Phase == api.ReleaseDraining && before.Phase != api.ReleaseDraining && after.Reason == ""
	if len(before.Steps) == 0 || !ends && after.Step == before.Step || promoting(spec) && !ends {
		return nil
	}
	r := after.Steps[len(before.Steps)-1]
	if r.VerifiedAt == nil || r.PassedAt == nil {
		return fmt.Errorf("step %d ends before every caller was seen to serve it and it has passed", before.Step)
	}
	return nil
}

// checkGates: what a gate holds back comes after it has opened. A promotion passes over those that have failed.
func checkGates(spec api.ReleaseSpec, before, after api.ReleaseStatus) error {
	var due []Ask
	v := view{spec: spec, status: before}
	if wantedOf(before, spec.To).Replicas == 0 && wantedOf(after, spec.To).Replicas > 0 {
		due = v.gatesAt(api.GateBeforeStart, 0)
	}
	if after.Step != before.Step {
		due = append(due, v.gatesAt(api.GateBeforeStep, after.Step)...)
	}
	if wantedOf(after, spec.To).Weight == whole && v.weight() < whole && after.Step != before.Step {
		due = append(due, v.gatesAt(api.GateBeforePromotion, 0)...)
	}
	for _, a := range due {
		i := recordOf(after.Gates, a)
		if i < 0 || after.Gates[i].State != api.GateOpen && (!promoting(spec) || after.Gates[i].State == api.GateWaiting) {
			return fmt.Errorf("goes on before the gate %s is open", a.Name)
		}
	}
	return nil
}

// checkHours: no step is taken outside of the windows.
func checkHours(now time.Time, spec api.ReleaseSpec, before, after api.ReleaseStatus) error {
	if open, _ := hours(spec.Strategy.Windows, now); !open && after.Step != before.Step {
		return fmt.Errorf("step %d is taken outside of the windows", after.Step)
	}
	return nil
}
