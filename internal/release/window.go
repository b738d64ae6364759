// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"slices"
	"strings"
	"time"

	api "weir.dev/weir/api/v1alpha1"
)

// CheckWindow tells what is wrong with a window that the API server cannot know: a time zone that does not exist.
func CheckWindow(w api.Window) error {
	_, err := zone(w)
	return err
}

// zone of the window's times. Default: UTC.
func zone(w api.Window) (*time.Location, error) {
	loc, err := time.LoadLocation(w.Zone)
	if err != nil || w.Zone == "Local" {
		return nil, fmt.Errorf("zone: there is no time zone %q; write one like Europe/Berlin or UTC", w.Zone)
	}
	return loc, nil
}

// hours tells whether a step may be taken now, and if not, when the next window opens: zero when none ever does. A window
// that is not understood does not open.
func hours(windows []api.Window, now time.Time) (open bool, next time.Time) {
	for _, w := range windows {
		loc, err := zone(w)
		if err != nil {
			continue
		}
		// Yesterday's window may reach into today, and the next of a weekly one is a week away.
		for day := -1; day <= 7; day++ {
			from, to, some := on(w, now.In(loc), day)
			if some && !now.Before(from) && now.Before(to) {
				return true, now
			}
			if some && now.Before(from) && (next.IsZero() || from.Before(next)) {
				next = from
			}
		}
	}
	return len(windows) == 0, next
}

// on is when the window begins and ends, some days from now. Clocks that are put forward or back are no trouble: the
// times are those of the wall.
func on(w api.Window, now time.Time, days int) (from, to time.Time, some bool) {
	y, m, d := now.Date()
	at := func(clock, otherwise string, more int) time.Time {
		hour, minute := wall(clock, otherwise)
		return time.Date(y, m, d+days+more, hour, minute, 0, 0, now.Location())
	}
	from, to = at(w.From, "00:00", 0), at(w.To, "24:00", 0)
	if !from.Before(to) {
		to = at(w.To, "24:00", 1)
	}
	day := time.Date(y, m, d+days, 12, 0, 0, 0, now.Location()).Weekday().String()[:3]
	return from, to, len(w.Days) == 0 || slices.Contains(w.Days, api.Weekday(day))
}

// wall reads 09:30.
func wall(clock, otherwise string) (hour, minute int) {
	if clock == "" {
		clock = otherwise
	}
	if _, err := fmt.Sscanf(clock, "%d:%d", &hour, &minute); err != nil {
		return 0, 0 // the API server refuses what is no time
	}
	return hour, minute
}

// hoursWords say when steps are taken, and when that is next.
func hoursWords(windows []api.Window, next time.Time) string {
	var all []string
	for _, w := range windows {
		if err := CheckWindow(w); err != nil {
			return "no step is taken: " + err.Error()
		}
		all = append(all, windowWords(w))
	}
	loc, _ := zone(windows[0])
	return "waits until " + next.In(loc).Format("Mon 2 Jan 15:04 MST") + ": steps are taken " + strings.Join(all, ", ")
}

func windowWords(w api.Window) string {
	days := "every day"
	if len(w.Days) > 0 {
		var names []string
		for _, d := range w.Days {
			names = append(names, string(d))
		}
		days = strings.Join(names, " ")
	}
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	return days + " " + or(w.From, "00:00") + "–" + or(w.To, "24:00") + " " + or(w.Zone, "UTC")
}
