// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"math"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// population is how many of 100 users hold each cookie of a release.
type population map[string]float64

// TestCohorts lets users call in every step of many releases: the new version's share is what was wanted, among those who
// came in the first step as among those who come now, and nobody who was with the new version leaves it.
func TestCohorts(t *testing.T) {
	for name, steps := range map[string][]int32{
		"few":   {10, 25, 50},
		"one":   {1, 99},
		"odd":   {7, 13, 29, 31, 71},
		"tight": {97, 98, 99},
		"tens":  {10, 20, 30, 40, 50, 60, 70, 80, 90},
	} {
		t.Run(name, func(t *testing.T) {
			early := population{"": 100}
			for i, weight := range steps {
				routes := stepRoutes(steps[:i+1])
				was := early["v2.new"]
				early = early.call(t, routes)
				if early["v2.new"] < was {
					t.Errorf("at %d: users left the new version, %g of %g stay", weight, early["v2.new"], was)
				}
				// Each step rounds by less than half a percent of those who draw again.
				if off := math.Abs(early["v2.new"] - float64(weight)); off > 0.5*float64(i)+1e-9 {
					t.Errorf("at %d: %g of 100 users are with the new version", weight, early["v2.new"])
				}
				if late := (population{"": 100}).call(t, routes); late["v2.new"] != float64(weight) {
					t.Errorf("at %d: %g of 100 new users are with the new version", weight, late["v2.new"])
				}
			}
		})
	}
}

func stepRoutes(steps []int32) []rule {
	ports := []api.Port{{Port: 80, Protocol: "http"}}
	weight := steps[len(steps)-1]
	c := Component{Name: "reviews", Ports: ports, Versions: []Version{
		{Name: "v1", Subset: true, Pods: true, Weight: whole - weight, Ports: ports},
		{
			Name: "v2", Subset: true, Pods: true, Weight: weight, Ports: ports,
			Cohorts: &api.Cohorts{Cookie: "c", ID: "v2", MaxAge: 60, Weights: steps},
		},
	}}
	a := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop"}}
	return c.inside(ports[0], c.sharesAt(80)).rules(a)
}

// call is what the users hold after one request of each.
func (p population) call(t *testing.T, rules []rule) population {
	t.Helper()
	out := population{}
	latest := rules[1].cookie
	for cookie, users := range p {
		r := rules[len(rules)-1]
		for _, other := range rules {
			if cookie != "" && other.cookie == cookie {
				r = other
				break
			}
		}
		for _, s := range r.shares {
			gets := latest
			if s.subset == "v2" {
				gets = "v2.new"
			}
			out[gets] += users * float64(s.weight) / whole
		}
	}
	return out
}
