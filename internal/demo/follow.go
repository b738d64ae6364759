// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/load"
)

const pace = 200 * time.Millisecond

// follow shows the release until it ends, and returns it as it ended.
func (s *stage) follow(ctx context.Context, release *api.Release, runner *load.Runner) (*api.Release, error) {
	fmt.Fprintf(s.options.Out, "Release %s: %s %s → %s under %.0f requests/s on %s\n",
		release.Name, component, release.Spec.From, release.Spec.To, s.options.Rate, s.url())
	screen := newScreen(s.options.Out, s.options.Live)
	defer screen.close()
	begin := time.Now()
	err := wait.PollUntilContextCancel(ctx, pace, true, func(ctx context.Context) (bool, error) {
		if err := s.client.Get(ctx, client.ObjectKeyFromObject(release), release); err != nil {
			return false, fmt.Errorf("read release %s: %w", release.Name, err)
		}
		screen.show(time.Since(begin), release, runner.Snapshot())
		return release.Status.Phase.Finished(), nil
	})
	if err != nil {
		return nil, fmt.Errorf("follow release %s: %w", release.Name, err)
	}
	return release, nil
}
