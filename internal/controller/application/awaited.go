// SPDX-License-Identifier: Apache-2.0

package application

import "slices"

// awaited are faults that an event will end, such as a ConfigMap that has to be made, or a Strategy that has to be corrected.
// Trying again before is of no use.
type awaited struct{ error }

func (a awaited) Unwrap() error { return a.error }

// waits tells whether every one of the faults is awaited.
func waits(err error) bool {
	switch e := err.(type) { //nolint:errorlint // each fault is looked at, however many were joined
	case awaited:
		return true
	case interface{ Unwrap() error }:
		return waits(e.Unwrap())
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(one error) bool { return !waits(one) })
	}
	return false
}
