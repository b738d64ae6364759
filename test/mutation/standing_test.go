// SPDX-License-Identifier: Apache-2.0

//go:build api

package mutation_test

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/test/world"
)

// standing is a state that an application can be in when somebody writes to it.
type standing struct {
	name string
	// strategy releases the versions.
	strategy string
	// prepare makes what has to be there before the application, which change makes fit it.
	prepare func(ctx context.Context, w *world.World) error
	change  func(*api.Application)
	// enter brings the application, which is ready, into the state, before the first write; again does so before each, when
	// the state passes by itself.
	enter, again func(ctx context.Context, w *world.World) error
	// gone is true when nothing is to be made of the application any more.
	gone bool
}

const (
	held   = "{steps: [{weight: 50, hold: 1h}], drain: 0s}"
	halfUp = "reviews:v2"
	second = "reviews-v2"
)

var standings = []standing{
	{name: "just created", strategy: held, again: recreate},
	{name: "settled", strategy: held},
	{name: "waiting for pods", strategy: held, enter: func(ctx context.Context, w *world.World) error {
		node.Script(w.Namespace, func(version string) bool { return version != "v2" })
		return errors.Join(w.Set(ctx, halfUp), w.Phase(ctx, second, api.ReleasePreparing))
	}},
	{name: "in the midst of a release", strategy: held, enter: half},
	{name: "paused", strategy: held, enter: func(ctx context.Context, w *world.World) error {
		return errors.Join(half(ctx, w), w.Command(ctx, second, func(s *api.ReleaseSpec) { s.Paused = true }))
	}},
	{name: "waiting for approval", strategy: "{steps: [{weight: 50, hold: 0s}], drain: 0s, gates: [{name: ask, at: BeforePromotion, approval: {}}]}", enter: half},
	{name: "rolling back", strategy: held, enter: backOut, again: anew},
	{name: "rolled back", strategy: held, enter: backOut},
	{name: "promoted", strategy: "{steps: [{weight: 50, hold: 0s}], drain: 0s}", enter: func(ctx context.Context, w *world.World) error {
		return errors.Join(w.Set(ctx, halfUp), w.Phase(ctx, second, api.ReleasePromoted))
	}},
	{name: "adopted", strategy: held, prepare: foreign, change: func(a *api.Application) {
		a.Spec.TakesOver = []api.Taken{{Kind: "Deployment", Name: "legacy"}, {Kind: "Service", Name: "reviews"}}
	}},
	{name: "deleting", strategy: held, gone: true, change: func(a *api.Application) { a.Finalizers = []string{"test.example/held"} }, enter: remove},
}

// half brings the release of the second version to where both have requests.
func half(ctx context.Context, w *world.World) error {
	return errors.Join(w.Set(ctx, halfUp), w.Phase(ctx, second, api.ReleaseObserving))
}

// backOut lets that release be rolled back.
func backOut(ctx context.Context, w *world.World) error {
	return errors.Join(half(ctx, w), w.Command(ctx, second, func(s *api.ReleaseSpec) { s.Abort = true }), w.Phase(ctx, second, api.ReleaseRolledBack))
}

// anew tries the version again, which was rolled back, and tells it to go back, without waiting.
func anew(ctx context.Context, w *world.World) error {
	before, err := newest(ctx, w)
	if err != nil {
		return err
	}
	if err := w.Command(ctx, before, func(s *api.ReleaseSpec) { s.Retry = true }); err != nil {
		return err
	}
	now := ""
	err = w.Eventually(ctx, func() error {
		if now, err = newest(ctx, w); err == nil && now == before {
			return errors.New("it is not tried again")
		}
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(w.Phase(ctx, now, api.ReleaseObserving), w.Command(ctx, now, func(s *api.ReleaseSpec) { s.Abort = true }))
}

// newest is the last release of reviews.
func newest(ctx context.Context, w *world.World) (string, error) {
	var app api.Application
	err := direct.Get(ctx, w.Key("shop"), &app)
	for _, c := range app.Status.Components {
		if c.Name == "reviews" {
			return c.Release, err
		}
	}
	return "", errors.Join(err, errors.New("nothing is known of reviews"))
}

// recreate deletes the application, waits until all that was made of it is gone, and creates it anew, without waiting for
// more than that it was seen.
func recreate(ctx context.Context, w *world.World) error {
	var app api.Application
	if err := direct.Get(ctx, w.Key("shop"), &app); err != nil {
		return err
	}
	if err := direct.Delete(ctx, &app); err != nil {
		return err
	}
	err := w.Eventually(ctx, func() error {
		if err := direct.Get(ctx, w.Key("shop"), &api.Application{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the application is still there: %w", err)
		}
		return none(ctx, w)
	})
	// An API server alone collects no garbage.
	for _, o := range []client.Object{&appsv1.ControllerRevision{}, &corev1.ConfigMap{}, &corev1.Secret{}, &api.Release{}} {
		err = errors.Join(err, direct.DeleteAllOf(ctx, o, client.InNamespace(w.Namespace), client.HasLabels{api.LabelApplication}))
	}
	again := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}, Spec: app.Spec}
	if err := errors.Join(err, direct.Create(ctx, again)); err != nil {
		return err
	}
	// What is seen first is what carries the traffic; to go back to it from what came after would else be a release.
	return w.Eventually(ctx, func() error {
		var seen api.Application
		if err := direct.Get(ctx, w.Key("shop"), &seen); err != nil {
			return err
		}
		for _, c := range seen.Status.Components {
			if c.Current == "" {
				return fmt.Errorf("component %s has no version", c.Name)
			}
		}
		if len(seen.Status.Components) == 0 {
			return errors.New("nobody has seen it")
		}
		return nil
	})
}

// remove deletes the application, which somebody holds.
func remove(ctx context.Context, w *world.World) error {
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "shop"}}
	return errors.Join(direct.Delete(ctx, app), w.Eventually(ctx, func() error { return none(ctx, w) }))
}

// none is nil when nothing is there that was made of the application.
func none(ctx context.Context, w *world.World) error {
	left, err := children(ctx, w)
	if err == nil && len(left) > 0 {
		return fmt.Errorf("%d objects are left", len(left))
	}
	return err
}

// foreign is what somebody else runs, and the application takes over.
func foreign(ctx context.Context, w *world.World) error {
	labels := map[string]string{"app": "reviews", "made-by": "hand"}
	pod := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "reviews", Image: "reviews:v0"}}},
	}
	meta := metav1.ObjectMeta{Namespace: w.Namespace, Name: "legacy", Labels: labels}
	legacy := &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: pod}}
	meta.Name = "reviews"
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Name: "http", Port: 9080}}}}
	return errors.Join(direct.Create(ctx, legacy), direct.Create(ctx, service))
}

// taken waits until the application has taken over what it names. That takes half a minute when nobody else wants the machine.
func taken(ctx context.Context, w *world.World) error {
	check := func() error {
		var app api.Application
		if err := direct.Get(ctx, w.Key("shop"), &app); err != nil {
			return err
		}
		if len(app.Spec.TakesOver) > 0 && !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionTakenOver) {
			return fmt.Errorf("it has not taken over what it names: %+v", app.Status.Conditions)
		}
		return nil
	}
	if w.Eventually(ctx, check) == nil {
		return nil
	}
	return w.Eventually(ctx, check)
}
