// SPDX-License-Identifier: Apache-2.0

package release

import api "weir.dev/weir/api/v1alpha1"

// wanted is what each version should have in the status's phase.
func (v view) wanted(weight int32) []api.VersionWanted {
	fromWas, toWas := wantedOf(v.status, v.spec.From), wantedOf(v.status, v.spec.To)
	n := v.seen.Replicas
	from := api.VersionWanted{Version: v.spec.From, Replicas: n, Subset: true}
	to := api.VersionWanted{Version: v.spec.To, Replicas: n, Subset: true}
	switch back := v.goingBack(); v.status.Phase {
	case api.ReleasePreparing:
		weight, to.Subset = 0, false
	case api.ReleaseConnecting:
		weight = 0
	case api.ReleaseShifting, api.ReleaseObserving:
		weight = min(max(weight, 0), whole)
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
	if was.Replicas == 0 {
		was.Replicas = n
	}
	return was
}
