// SPDX-License-Identifier: Apache-2.0

package application

import (
	"errors"
	"fmt"
	"testing"
)

func TestWaits(t *testing.T) {
	fault, other := awaited{errors.New("there is no Strategy")}, errors.New("connection refused")
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":               {nil, false},
		"something else":        {other, false},
		"awaited":               {fault, true},
		"awaited, in words":     {fmt.Errorf("page: %w", fault), true},
		"two that are awaited":  {errors.Join(fault, fault), true},
		"one of two is awaited": {errors.Join(fault, other), false},
		"deep down one is not":  {errors.Join(fault, errors.Join(other, fault)), false},
		"one is not, in words":  {fmt.Errorf("page: %w", errors.Join(fault, other)), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := waits(c.err); got != c.want {
				t.Errorf("waits(%v) = %t, want %t", c.err, got, c.want)
			}
		})
	}
}
