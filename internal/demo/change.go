// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// errorRate is the share of errors of a bad version.
const errorRate = "0.05"

// change gives the component its next version, as a user would, and returns the release that follows.
func (s *stage) change(ctx context.Context) (*api.Release, error) {
	var to string
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var app api.Application
		if err := s.client.Get(ctx, s.key(application), &app); err != nil {
			return fmt.Errorf("read application %s: %w", application, err)
		}
		i := slices.IndexFunc(app.Spec.Components, func(c api.Component) bool { return c.Name == component })
		if i < 0 {
			return fmt.Errorf("application %s has no component %s any more", application, component)
		}
		known, err := s.known(ctx)
		if err != nil {
			return err
		}
		app.Spec.Components[i], to = next(app.Spec.Components[i], statusOf(&app), known, s.options.Bad)
		return s.client.Update(ctx, &app)
	})
	if err != nil {
		return nil, err
	}
	return s.awaitRelease(ctx, to)
}

// next is the component with the version that follows the current one. A version that was rolled back is not tried again
// under the same name, so a bad one, and a good one that was sent back, get a name that was never used.
func next(c api.Component, status api.ComponentStatus, known []string, bad bool) (api.Component, string) {
	c = *c.DeepCopy()
	c.Args, c.Version = nil, ""
	tag := "v1"
	if follower, ok := map[string]string{"v1": "v2", "v2": "v3"}[status.Current]; ok {
		tag = follower
	}
	if bad {
		c.Image, c.Version = reference(component, "v3"), unused("bad", known)
		c.Args = []string{"--version", c.Version, "--error-rate", errorRate}
		return c, c.Version
	}
	c.Image = reference(component, tag)
	if status.Desired == tag {
		c.Version = unused(tag, known)
		c.Args = []string{"--version", c.Version}
		return c, c.Version
	}
	return c, tag
}

func unused(name string, known []string) string {
	for n := 1; ; n++ {
		if candidate := fmt.Sprintf("%s-%d", name, n); !slices.Contains(known, candidate) {
			return candidate
		}
	}
}

func statusOf(app *api.Application) api.ComponentStatus {
	for _, c := range app.Status.Components {
		if c.Name == component {
			return c
		}
	}
	return api.ComponentStatus{}
}

// known lists the versions that the component was ever released to.
func (s *stage) known(ctx context.Context) ([]string, error) {
	var list api.ReleaseList
	if err := s.client.List(ctx, &list, client.InNamespace(s.options.Namespace)); err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	var out []string
	for _, release := range list.Items {
		out = append(out, release.Spec.To)
	}
	return out, nil
}

func (s *stage) awaitRelease(ctx context.Context, to string) (*api.Release, error) {
	var found *api.Release
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		var list api.ReleaseList
		if err := s.client.List(ctx, &list, client.InNamespace(s.options.Namespace)); err != nil {
			return false, err
		}
		for i, release := range list.Items {
			if release.Spec.Component == component && release.Spec.To == to && !release.Status.Phase.Finished() {
				found = &list.Items[i]
			}
		}
		return found != nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("no release of %s to %s began: %w", component, to, err)
	}
	return found, nil
}
