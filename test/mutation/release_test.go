// SPDX-License-Identifier: Apache-2.0

//go:build api

package mutation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/test/mutant"
	"weir.dev/weir/test/world"
)

// settling is after which a release that has not ended must say what it waits for.
const settling = 4 * time.Second

// tooManyErrors in that time are a loop: what is behind or was overtaken is right again after one or two.
const tooManyErrors = 8

func release(t *testing.T, all []mutant.Mutant) {
	t.Helper()
	for _, m := range all {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			if err := converges(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
}

// converges lets a release go by the strategy.
func converges(ctx context.Context, m mutant.Mutant) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := world.New(ctx, config, direct)
	if err != nil {
		return err
	}
	stop, err := w.Start(ctx, config)
	if err != nil {
		return err
	}
	defer stop()
	text, err := json.Marshal(m.Spec)
	if err != nil {
		return err
	}
	var spec api.StrategySpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return fmt.Errorf("the API server takes what Weir cannot read: %w", err)
	}
	if err := w.Shop(ctx, spec); err != nil {
		return fmt.Errorf("refused when Weir writes it: %w", err)
	}
	if err := w.Ready(ctx); err != nil {
		return err
	}
	if err := w.Set(ctx, "reviews:v2"); err != nil {
		return err
	}
	return settle(ctx, w)
}

// settle waits until the release has ended, says why it waits, or was refused in words.
func settle(ctx context.Context, w *world.World) error {
	begun, before := time.Now(), len(said.about(w.Namespace))
	return errors.Join(w.Eventually(ctx, func() error {
		var r api.Release
		err := w.Client.Get(ctx, w.Key("reviews-v2"), &r)
		if err == nil && r.Status.Phase.Finished() {
			return nil
		}
		if time.Since(begun) < settling {
			return errors.New("it has not settled")
		}
		if err == nil && r.Status.Phase != "" && r.Status.Message != "" {
			return nil
		}
		return refused(ctx, w)
	}), panicked(said.about(w.Namespace)), loops(said.about(w.Namespace)[before:]))
}

// refused is nil when a condition of the application names the field that keeps the release from beginning.
func refused(ctx context.Context, w *world.World) error {
	var app api.Application
	if err := w.Client.Get(ctx, w.Key("shop"), &app); err != nil {
		return err
	}
	for _, c := range app.Status.Conditions {
		if apimeta.IsStatusConditionFalse(app.Status.Conditions, c.Type) && strings.Contains(c.Message, "spec.") {
			return nil
		}
	}
	return fmt.Errorf("there is no release, and no condition says why: %+v", app.Status.Conditions)
}

func loops(errors []string) error {
	if len(errors) > tooManyErrors {
		return fmt.Errorf("%d errors, the last %s", len(errors), errors[len(errors)-1])
	}
	return nil
}
