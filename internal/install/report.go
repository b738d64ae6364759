// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// step is one piece of work; what it notes last is shown beside it.
type step struct {
	name string
	run  func(note func(string)) error
}

// reporter tells a person what is done and how long it took.
type reporter struct{ out io.Writer }

// run runs the steps one after the other and stops at the first that fails.
func (r reporter) run(ctx context.Context, steps []step) error {
	for _, s := range steps {
		begin, last := time.Now(), ""
		err := s.run(func(text string) { last = text })
		mark := "✓"
		if err != nil {
			mark, last = "✗", "failed"
		}
		line := fmt.Sprintf("  %s %-34s %6.2fs  %s", mark, s.name, time.Since(begin).Seconds(), last)
		fmt.Fprintln(r.out, strings.TrimRight(line, " "))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, withCause(ctx, err))
		}
	}
	return nil
}

// withCause replaces a bare "context deadline exceeded" by what the deadline was for.
func withCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || cause == ctx.Err() { //nolint:errorlint // the very same value means that no cause was given
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}
