// SPDX-License-Identifier: Apache-2.0

//go:build api

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

// TestReleaseExplain reads what the planner writes for a step that has everything, from a real API server.
func TestReleaseExplain(t *testing.T) {
	s := newShell(t, "explain")
	s.bookinfo()
	s.says(1, "component reviews has no Service", "release", "explain", "reviews")
	var app api.Application
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "bookinfo"}, &app); err != nil {
		t.Fatal(err)
	}
	app.Spec.Components[0].Expose = &api.Expose{Hosts: []string{"shop.example"}, Paths: []string{"/reviews"}}
	app.Spec.Components[0].Ports = []api.Port{{Port: 3306}, {Port: 9080}}
	if err := s.client.Update(t.Context(), &app); err != nil {
		t.Fatal(err)
	}
	c := app.Spec.Components[0]
	objects, err := plan.Objects(plan.Input{Application: &app, Components: []plan.Component{{
		Spec: c, Versions: map[string]api.Component{"v1": c, "v2": c}, Wanted: []api.VersionWanted{
			{Version: "v1", Replicas: 3, Subset: true, Weight: 70},
			{
				Version: "v2", Replicas: 3, Subset: true, Weight: 30, Mirror: &api.Mirror{Percent: 50},
				Match:   []api.Match{{Headers: []api.NamedMatch{{Name: "end-user", StringMatch: api.StringMatch{Exact: "jason"}}}}},
				Cohorts: &api.Cohorts{Cookie: "weir-reviews", ID: "v2", MaxAge: 60, Weights: []int32{10, 30}},
			},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if err := s.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "explain", s.weir(0, "release", "explain", "reviews", "--path", "/reviews/0", "--cookie", "weir-reviews=v2.old.10"))

	s.says(0, "100 %   to v2", "release", "explain", "reviews", "-H", "End-User: jason")
	s.says(0, "100 %   to v2   sets the cookie weir-reviews=v2.new", "release", "explain", "reviews", "-H", "cookie: a=b", "--cookie", "weir-reviews=v2.new")
	s.says(0, "A connection to reviews.explain.svc.cluster.local:3306\n\n70 %   to v1", "release", "explain", "reviews", "--port", "3306")
	s.says(0, "GET /reviews?a=b+c to shop.example, at the gateway", "release", "explain", "reviews", "--outside", "--path", "/reviews", "--query", "a=b c")
	s.says(0, "no route takes the request: the proxy answers it with 404", "release", "explain", "reviews", "--outside")
	s.says(0, "nothing is written for the host other.example", "release", "explain", "reviews", "--outside", "--host", "other.example")
	for want, args := range map[string]string{
		"component reviews has no such port":                    "--port 99",
		"--path x: begin it with a slash":                       "--path x",
		"--header a=b: write it as 'name: value'":               "--header a=b",
		"--from front: application bookinfo has no such":        "--from front",
		"leave out one of --from and --outside":                 "--from reviews --outside",
		`no application in namespace explain has a component "`: "",
	} {
		component := "reviews"
		if args == "" {
			component = "ratings"
		}
		s.says(1, want, append([]string{"release", "explain", component}, strings.Fields(args)...)...)
	}

	var got explanation
	if err := json.Unmarshal([]byte(s.weir(0, "release", "explain", "reviews", "--method", "POST", "-o", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Shares) != 2 || got.Shares[1].Percent != 30 || len(got.Copies) != 0 || got.Release != "reviews-v2" || len(got.Before) < 3 {
		t.Errorf("the answer is %+v", got)
	}
}
