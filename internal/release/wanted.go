// SPDX-License-Identifier: Apache-2.0

package release

import (
	"strconv"

	api "weir.dev/weir/api/v1alpha1"
)

// wanted is what each version should have in the status's phase.
func (v view) wanted(stage Stage) []api.VersionWanted {
	weight := stage.Weight
	fromWas, toWas := wantedOf(v.status, v.spec.From), wantedOf(v.status, v.spec.To)
	n := v.seen.Replicas
	from := api.VersionWanted{Version: v.spec.From, Replicas: n, Subset: true}
	to := api.VersionWanted{Version: v.spec.To, Replicas: v.receiver(stage), Subset: true}
	switch back := v.goingBack(); v.status.Phase {
	case api.ReleaseWaiting:
		weight, to = 0, api.VersionWanted{Version: v.spec.To}
	case api.ReleasePreparing:
		weight, to.Subset = 0, false
	case api.ReleaseConnecting:
		weight = 0
	case api.ReleaseShifting, api.ReleaseObserving:
		weight = min(max(weight, 0), whole)
		to.Match, to.Mirror, to.Cohorts = stage.Match, stage.Mirror, v.cohorts(weight)
	case api.ReleaseReturning:
		weight, to = 0, leaving(toWas, n)
	case api.ReleaseDraining:
		if weight = whole; back {
			weight, to = 0, leaving(toWas, n)
		} else {
			from = leaving(fromWas, n)
		}
	case api.ReleaseRetiring:
		if weight = whole; back {
			weight, to.Replicas, to.Subset = 0, 0, toWas.Subset
		} else {
			from.Replicas = 0
		}
	case api.ReleasePromoted:
		to.Weight = whole
		return []api.VersionWanted{to}
	case api.ReleaseRolledBack:
		from.Weight = whole
		return []api.VersionWanted{from}
	}
	from.Weight, to.Weight = whole-weight, weight
	return []api.VersionWanted{from, to}
}

// leaving keeps the pods of a version whose requests in flight have to end: scaling it now would cut some off.
func leaving(was api.VersionWanted, n int32) api.VersionWanted {
	was.Weight, was.Subset = 0, true
	was.Match, was.Mirror, was.Cohorts = nil, nil, nil
	if was.Replicas == 0 {
		was.Replicas = n
	}
	return was
}

// cohorts are the users told apart by their cookie: by the weights of the steps taken so far, in the order they grew. They
// are forgotten on the way back, and when the new version serves everything.
func (v view) cohorts(weight int32) *api.Cohorts {
	sticky := v.spec.Strategy.Sticky
	if sticky == nil || weight <= 0 || weight >= whole {
		return nil
	}
	out := &api.Cohorts{Cookie: sticky.Cookie, ID: v.cohortID(), MaxAge: int64(orElse(sticky.MaxAge, defaultMaxAge).Seconds())}
	if out.Cookie == "" {
		out.Cookie = "weir-" + v.spec.Component
	}
	for _, s := range v.status.Steps {
		if n := len(out.Weights); s.Weight > 0 && (n == 0 || s.Weight > out.Weights[n-1]) {
			out.Weights = append(out.Weights, s.Weight)
		}
	}
	return out
}

// cohortID tells the cookies of this attempt from those of others. When the same version is tried again, users draw anew:
// those who were with it when it went back would otherwise all return with the first percent.
func (v view) cohortID() string {
	if v.status.StartedAt == nil {
		return v.spec.To
	}
	return v.spec.To + "-" + strconv.FormatInt(v.status.StartedAt.Unix(), 36)
}
