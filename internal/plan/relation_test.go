// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

func TestWarnings(t *testing.T) {
	const front, page = "{name: front, image: f, ports: [{port: 80}], strategy: s", "{name: page, image: p, uses: [front]"
	for name, tt := range map[string]struct {
		components string
		access     bool
		neighbors  plan.Neighbors
		want       []string // each is part of one warning of front, in order
	}{
		"all in order":            {front + "}, " + page + "}", true, plan.Neighbors{}, nil},
		"lonely":                  {front + "}", false, plan.Neighbors{}, []string{"nobody is known to call it"}},
		"exposed":                 {front + ", expose: {}}", false, plan.Neighbors{}, nil},
		"called from elsewhere":   {front + "}", false, plan.Neighbors{Callers: map[string][]plan.Caller{"front": {{Namespace: "shop"}}}}, nil},
		"no strategy":             {"{name: front, image: f}", false, plan.Neighbors{}, nil},
		"caller without sidecar":  {front + "}, " + page + ", mesh: false}", false, plan.Neighbors{}, []string{"page calls without a sidecar"}},
		"guarded, but not by all": {front + "}, " + page + ", kind: Job}", true, plan.Neighbors{}, []string{"page calls without a sidecar", "everybody may call it, although accessFromUses is set: page"}},
		"guarded by nobody":       {front + ", mesh: false}, " + page + "}", true, plan.Neighbors{}, []string{"no sidecar that could refuse"}},
		"gateway unknown":         {front + ", expose: {}}", true, plan.Neighbors{}, []string{"identity of the gateway is not known"}},
		"gateway known":           {front + ", expose: {}}", true, plan.Neighbors{GatewayPrincipals: []string{"g"}}, nil},
		"port missing":            {front + ", expose: {tls: {secret: s}}}", false, plan.Neighbors{GatewayPorts: []int32{80}}, []string{"the gateway's Service has no such port"}},
		"stream port there":       {front + ", expose: {tcp: 5432}}", false, plan.Neighbors{GatewayPorts: []int32{5432}}, nil},
		"refused":                 {front + "}, " + page + "}", true, plan.Neighbors{Callers: map[string][]plan.Caller{"front": {{"far", "a", "b", false}}}}, []string{"far/a/b names it in uses and is refused"}},
		"a stream outside":        {front + ", uses: ['tcp://db.example:99']}, " + page + "}", true, plan.Neighbors{}, []string{"port 99 of who is no Service for calls of db.example"}},
		"an address outside":      {front + ", uses: ['tcp://192.0.2.1:99']}, " + page + "}", true, plan.Neighbors{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := application(t, "["+tt.components+"]")
			a.Spec.AccessFromUses = tt.access
			in := plan.Input{Application: a, Neighbors: tt.neighbors}
			for _, c := range a.Spec.Components {
				in.Components = append(in.Components, settled(c))
			}
			got := plan.Warnings(in)["front"]
			if !slices.EqualFunc(got, tt.want, strings.Contains) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCallers(t *testing.T) {
	a, other, same := application(t, "[{name: front, image: f}]"), application(t, "[{name: x, image: y, uses: [shop/front, z]}, {name: z, image: y, mesh: false}]"), application(t, "[{name: y, image: y, uses: [z]}]")
	other.Name, same.Name = "other", "same"
	far := application(t, "[{name: w, image: y, uses: [shop/shop/front, shop/shop/gone]}]")
	far.Namespace = "far"
	other.Status.Components = []api.ComponentStatus{{Name: "z", Calls: []string{"shop/front"}}}
	got := plan.Callers(a, []api.Application{*a, *other, *same, *far})
	want := map[string][]plan.Caller{
		"front": {{"shop", "other", "x", true}, {"shop", "other", "z", false}, {"far", "shop", "w", true}}, "gone": {{"far", "shop", "w", true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
