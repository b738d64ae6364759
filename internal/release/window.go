// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
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
