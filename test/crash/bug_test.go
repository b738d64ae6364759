// SPDX-License-Identifier: Apache-2.0

//go:build api

package crash_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// bug is put into what the controllers send: it is as if they had been written wrong.
type bug struct {
	// before is done ahead of a write, whatever becomes of that.
	before func(*http.Request)
	// instead changes a write, or answers it so that it is not made; nil lets it pass.
	instead func(*http.Request) *http.Response
	// delay of the callers, so that they are not faster than two writes in a row.
	delay time.Duration
}

// TestSeededBugsAreCaught shows that the plans see: each of five bugs is reported, and in the words that fit it.
func TestSeededBugsAreCaught(t *testing.T) {
	slow := scenarios()["canary"]
	slow.strategy.Drain = duration(5 * time.Second)
	clean, err := plan{scenario: slow}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range clean.faults {
		t.Error(fault)
	}
	for name, test := range map[string]struct {
		bug bug
		// crashes are needed for it to show.
		crashes bool
		want    string
	}{
		"the subset goes together with the last share": {bug{instead: subsetGoesWithRoute, delay: 100 * time.Millisecond}, false, "where the subset is missing"},
		"a share is given before there are pods":       {bug{before: shareBeforePods}, false, "reviews/v2 may get requests and has no ready pod"},
		"the route is written before the status":       {bug{before: routeBeforeStatus}, true, "the weights differ"},
		"what is not wanted any more is left":          {bug{instead: forgetsToPrune}, false, "*v1.Deployment reviews-v1"},
		"requests in flight are not waited for":        {bug{instead: noDrain}, false, "before its drain was over"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, p := range seeded(slow, clean, test.crashes) {
				p.bug = test.bug
				got, err := p.run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if report := strings.Join(got.faults, "\n"); strings.Contains(report, test.want) {
					return
				} else if report != "" {
					t.Log(report)
				}
			}
			t.Errorf("no plan reports %q", test.want)
		})
	}
}

// seeded are the plans that look for a bug: the undisturbed run, and for some a crash before each status of the release.
func seeded(s scenario, clean outcome, crashes bool) []plan {
	out := []plan{{scenario: s, trouble: none, want: &clean}}
	for _, at := range clean.trace {
		if crashes && at.write == "PATCH releases/reviews-v2/status" {
			out = append(out, plan{scenario: s, trouble: crashBefore, at: at, want: &clean})
		}
	}
	return out
}

// status is what a request wants to write into a release's status; nil when it is about something else.
func status(r *http.Request) (whole, status map[string]any) {
	resource, name := target(r)
	if resource != "releases" || !strings.HasSuffix(name, "/status") || json.Unmarshal(body(r), &whole) != nil {
		return nil, nil
	}
	status, _ = whole["status"].(map[string]any)
	return whole, status
}

// rewrite puts another status into the request, with other shares where there are some.
func rewrite(r *http.Request, whole, status map[string]any, change func(version string, wanted map[string]any)) {
	list, _ := status["wanted"].([]any)
	for _, item := range list {
		if wanted, ok := item.(map[string]any); ok {
			version, _ := wanted["version"].(string)
			change(version, wanted)
		}
	}
	data, err := json.Marshal(whole)
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	replace(r, data)
}

func subsetGoesWithRoute(r *http.Request) *http.Response {
	if whole, status := status(r); status["phase"] == string(api.ReleaseShifting) {
		rewrite(r, whole, status, func(_ string, wanted map[string]any) {
			if wanted["weight"] == float64(0) {
				wanted["subset"] = false
			}
		})
	}
	return nil
}

// shareBeforePods gives the new version a share when its pods are only asked for.
func shareBeforePods(r *http.Request) {
	if _, status := status(r); status["phase"] == string(api.ReleasePreparing) {
		give(r, map[string]int32{"v1": 90, "v2": 10})
	}
}

func noDrain(r *http.Request) *http.Response {
	if whole, status := status(r); status["drainUntil"] != nil {
		status["drainUntil"] = time.Now().Add(-time.Second).UTC().Format("2006-01-02T15:04:05.000000Z")
		rewrite(r, whole, status, func(string, map[string]any) {})
	}
	return nil
}

// forgetsToPrune takes the pods away and leaves the Deployment.
func forgetsToPrune(r *http.Request) *http.Response {
	resource, name := target(r)
	if r.Method != http.MethodDelete || resource != "deployments" {
		return nil
	}
	d := &appsv1.Deployment{}
	d.Namespace, d.Name = namespaceOf(r), name
	_ = direct.Patch(r.Context(), d, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`)))
	return answer(r, http.StatusOK, "")
}

// routeBeforeStatus gives the shares that are about to be decided.
func routeBeforeStatus(r *http.Request) {
	_, status := status(r)
	if status["phase"] != string(api.ReleaseShifting) {
		return
	}
	shares := map[string]int32{}
	list, _ := status["wanted"].([]any)
	for _, item := range list {
		wanted, _ := item.(map[string]any)
		version, _ := wanted["version"].(string)
		weight, _ := wanted["weight"].(float64)
		shares[version] = int32(weight)
	}
	give(r, shares)
}

// give writes the shares into the route of reviews.
func give(r *http.Request, shares map[string]int32) {
	var vs istionet.VirtualService
	key := client.ObjectKey{Namespace: namespaceOf(r), Name: "reviews"}
	if direct.Get(r.Context(), key, &vs) != nil || len(vs.Spec.GetHttp()) == 0 {
		return
	}
	route := vs.Spec.GetHttp()[len(vs.Spec.GetHttp())-1]
	first := route.GetRoute()[0].GetDestination()
	route.Route = nil
	for _, version := range slices.Sorted(maps.Keys(shares)) {
		to := &networking.Destination{Host: first.GetHost(), Port: first.GetPort(), Subset: version}
		route.Route = append(route.Route, &networking.HTTPRouteDestination{Destination: to, Weight: shares[version]})
	}
	_ = direct.Update(r.Context(), &vs) // when somebody was faster, the next write has the bug
}

func namespaceOf(r *http.Request) string {
	_, rest, _ := strings.Cut(r.URL.Path, "/namespaces/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}
