// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

func newReleaseWatchCommand(where *target) *cobra.Command {
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "watch NAME",
		Short: "Watch a release until it ends",
		Long: "Watch a release until it ends. Ends with exit code 0 when the new version was promoted, and with 1 when it was\n" +
			"rolled back, so that a script can wait for it. A change that was made just now is waited for.",
		Example: "  weir release watch reviews -n bookinfo\n  weir release watch reviews -n bookinfo --timeout 30m && echo done",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			ctx := command.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeoutCause(ctx, timeout,
					fmt.Errorf("the release has not ended after %s; it goes on without being watched", timeout))
				defer cancel()
			}
			if err := awaitObserved(ctx, c, namespace, args[0]); err != nil {
				return err
			}
			release, err := findRelease(ctx, c, namespace, args[0])
			if err != nil {
				return err
			}
			out := command.OutOrStdout()
			return follow(ctx, c, release, &releaseScreen{out: out, live: isTerminal(out)})
		},
	}
	command.Flags().DurationVar(&timeout, "timeout", 0, "give up after this time; 0: never")
	return command
}

// awaitObserved waits until the controller has seen the newest change of the component's application, since only then the
// release that follows from it is there. What is no component needs no waiting.
func awaitObserved(ctx context.Context, c client.Reader, namespace, component string) error {
	err := wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		app, _, err := findComponent(ctx, c, namespace, "", component)
		if app == nil {
			return true, nil // a release may be named instead
		}
		return app.Status.ObservedGeneration >= app.Generation, err
	})
	if err != nil {
		return fmt.Errorf("the controller has not looked at the application: %w", context.Cause(ctx))
	}
	return nil
}

// follow shows the release until it ends. The error tells that it was rolled back, or cannot be watched further.
func follow(ctx context.Context, c client.WithWatch, release *api.Release, screen *releaseScreen) error {
	key := client.ObjectKeyFromObject(release)
	for {
		if err := c.Get(ctx, key, release); err != nil {
			return watchError(ctx, key, err)
		}
		ended, err := followFrom(ctx, c, release, screen)
		if ended || err != nil {
			return err
		}
	}
}

// followFrom shows the release until it ends or the API server closes the watch, as it does from time to time.
func followFrom(ctx context.Context, c client.WithWatch, release *api.Release, screen *releaseScreen) (ended bool, err error) {
	key := client.ObjectKeyFromObject(release)
	watcher, err := c.Watch(ctx, &api.ReleaseList{}, client.InNamespace(key.Namespace), &client.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", key.Name), Namespace: key.Namespace,
	})
	if err != nil {
		return false, watchError(ctx, key, err)
	}
	defer watcher.Stop()
	tick := time.NewTicker(time.Second) // the time that has gone by is shown
	defer tick.Stop()
	for {
		screen.show(release, time.Now())
		if release.Status.Phase.Finished() {
			return true, outcome(release)
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-tick.C:
		case event, open := <-watcher.ResultChan():
			if !open || event.Type == watch.Error {
				return false, nil
			}
			if event.Type == watch.Deleted {
				return false, fmt.Errorf("release %s was deleted", key.Name)
			}
			if changed, ok := event.Object.(*api.Release); ok {
				*release = *changed
			}
		}
	}
}

func watchError(ctx context.Context, key client.ObjectKey, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("watch release %s: %w", key, err)
}

// outcome is nil for a release that was promoted.
func outcome(r *api.Release) error {
	if r.Status.Phase == api.ReleasePromoted {
		return nil
	}
	return errors.New("release " + r.Name + " was rolled back: " + r.Status.Message)
}
