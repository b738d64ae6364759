// SPDX-License-Identifier: Apache-2.0

package release

import (
	"strings"
	"testing"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

func TestHours(t *testing.T) {
	week := api.Window{Days: []api.Weekday{"Mon", "Tue", "Wed", "Thu", "Fri"}, From: "09:00", To: "17:00"}
	berlin := week
	berlin.Zone = "Europe/Berlin"
	for name, c := range map[string]struct {
		windows []api.Window
		now     string
		open    bool
		next    string
	}{
		"none is always":              {now: "2026-03-01T03:00:00Z", open: true},
		"in the middle":               {windows: []api.Window{week}, now: "2026-03-02T12:00:00Z", open: true},
		"on the instant it opens":     {windows: []api.Window{week}, now: "2026-03-02T09:00:00Z", open: true},
		"on the instant it closes":    {windows: []api.Window{week}, now: "2026-03-02T17:00:00Z", next: "2026-03-03T09:00:00Z"},
		"over the weekend":            {windows: []api.Window{week}, now: "2026-03-06T18:00:00Z", next: "2026-03-09T09:00:00Z"},
		"a zone in winter":            {windows: []api.Window{berlin}, now: "2026-03-27T18:00:00Z", next: "2026-03-30T07:00:00Z"},
		"a zone when clocks go back":  {windows: []api.Window{berlin}, now: "2026-10-23T18:00:00Z", next: "2026-10-26T08:00:00Z"},
		"through the night":           {windows: []api.Window{{From: "22:00", To: "02:00"}}, now: "2026-03-02T01:00:00Z", open: true},
		"after the night":             {windows: []api.Window{{From: "22:00", To: "02:00"}}, now: "2026-03-02T02:00:00Z", next: "2026-03-02T22:00:00Z"},
		"once a week, just over":      {windows: []api.Window{{Days: []api.Weekday{"Mon"}, To: "01:00"}}, now: "2026-03-02T02:00:00Z", next: "2026-03-09T00:00:00Z"},
		"the first of several":        {windows: []api.Window{week, {From: "18:00"}}, now: "2026-03-02T17:30:00Z", next: "2026-03-02T18:00:00Z"},
		"a zone that does not exist":  {windows: []api.Window{{Zone: "Mars/Olympus"}}, now: "2026-03-02T17:30:00Z"},
		"an hour that does not exist": {windows: []api.Window{{From: "02:30", To: "03:30", Zone: "Europe/Berlin"}}, now: "2026-03-29T00:00:00Z", next: "2026-03-29T01:30:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			open, next := hours(c.windows, now)
			if got := next.UTC().Format(time.RFC3339); open != c.open || !open && c.next != "" && got != c.next || c.next == "" && !open && !next.IsZero() {
				t.Errorf("want open %v or next %s, got %v, %s", c.open, c.next, open, got)
			}
		})
	}
}

func TestNoStepOutsideOfTheHours(t *testing.T) {
	spec, status := canary()
	spec.Strategy.Steps[0].Hold, spec.Strategy.Analysis = nil, nil
	spec.Strategy.Windows = []api.Window{{From: "12:30", To: "13:00"}}
	d := Decide(t0, spec, status, kindly(status))
	if d.Status.Phase != api.ReleaseObserving || d.Wake > 30*time.Minute || !strings.Contains(d.Status.Message, "12:30") {
		t.Errorf("want it to wait and to say until when, got %s", describe(d.Status))
	}
	spec.Abort = true
	if d := Decide(t0, spec, status, kindly(status)); d.Status.Phase != api.ReleaseReturning {
		t.Errorf("want the way back to be open, got %s", describe(d.Status))
	}
	spec.Abort = false
	if d := Decide(t0.Add(30*time.Minute), spec, d.Status, kindly(status)); d.Status.Phase != api.ReleaseShifting {
		t.Errorf("want the step when the window opens, got %s", describe(d.Status))
	}
}

func TestCheckWindow(t *testing.T) {
	if err := CheckWindow(api.Window{Zone: "Mars/Olympus"}); err == nil || !strings.Contains(err.Error(), "Mars/Olympus") {
		t.Errorf("want an error that names the zone, got %v", err)
	}
	for _, known := range []string{"", "UTC", "Europe/Berlin"} {
		if err := CheckWindow(api.Window{Zone: known}); err != nil {
			t.Errorf("%q: %v", known, err)
		}
	}
}
