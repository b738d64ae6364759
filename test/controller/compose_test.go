// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// change edits the application until the edit is taken.
func (w *world) change(name string, edit func(*api.ApplicationSpec)) {
	w.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key(name), &app); err != nil {
			return err
		}
		edit(&app.Spec)
		return w.client.Update(w.ctx, &app)
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) applied(name string) (*metav1.Condition, error) {
	var app api.Application
	if err := w.client.Get(w.ctx, w.key(name), &app); err != nil {
		return nil, err
	}
	condition := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionApplied)
	if condition == nil || condition.ObservedGeneration != app.Generation {
		return nil, fmt.Errorf("nothing is said of generation %d yet: %+v", app.Generation, app.Status.Conditions)
	}
	return condition, nil
}

func (w *world) application(name string, components ...api.Component) {
	w.Helper()
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
	app.Spec.Components = components
	if err := w.client.Create(w.ctx, app); err != nil {
		w.Fatal(err)
	}
}

// TestStatefulSetInPlace holds that a new version of a StatefulSet changes the one there is, without a Release.
func TestStatefulSetInPlace(t *testing.T) {
	w := newWorld(t, nil)
	w.application("shop", api.Component{Name: "database", Image: "db:v1", Kind: api.StatefulSet, Ports: []api.Port{{Port: 5432}}})
	image := func(want string) {
		w.Helper()
		w.eventually("StatefulSet with "+want, func() error {
			var s appsv1.StatefulSet
			if err := w.client.Get(w.ctx, w.key("database"), &s); err != nil {
				return err
			}
			if got := s.Spec.Template.Spec.Containers[0].Image; got != want {
				return fmt.Errorf("image %s", got)
			}
			return nil
		})
	}
	image("db:v1")
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[0].Image = "db:v2" })
	image("db:v2")
	var peers corev1.Service
	if err := w.client.Get(w.ctx, w.key("database-pods"), &peers); err != nil || peers.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("the Service of its pods: %v %v", peers.Spec, err)
	}
	var releases api.ReleaseList
	if err := w.client.List(w.ctx, &releases, client.InNamespace(w.namespace)); err != nil || len(releases.Items) > 0 {
		t.Errorf("releases %v %v", releases.Items, err)
	}
}

// TestJobs holds that a job runs once per version, that its failure is told in words, and that it goes when it is no longer wanted.
func TestJobs(t *testing.T) {
	w := newWorld(t, nil)
	w.application("shop",
		api.Component{Name: "front", Image: "front:v1"}, api.Component{Name: "migrate", Image: "migrate:v1", Kind: api.Job},
		api.Component{Name: "report", Image: "report:v1", Kind: api.CronJob, Schedule: "0 3 * * *"})
	var job batchv1.Job
	w.eventually("job", func() error { return w.client.Get(w.ctx, w.key("migrate-v1"), &job) })
	w.eventually("CronJob", func() error { return w.client.Get(w.ctx, w.key("report"), &batchv1.CronJob{}) })
	now := metav1.Now()
	job.Status.StartTime, job.Status.Failed = &now, 1
	job.Status.Conditions = []batchv1.JobCondition{
		{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue, LastTransitionTime: now},
		{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Message: "no disk", LastTransitionTime: now},
	}
	if err := w.client.Status().Update(w.ctx, &job); err != nil {
		t.Fatal(err)
	}
	w.eventually("failure told", func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key("shop"), &app); err != nil {
			return err
		}
		ready := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionReady)
		if ready == nil || app.Status.Ready != "2/3" || !strings.Contains(ready.Message, "migrate: its newest run failed: no disk") {
			return fmt.Errorf("%s %+v", app.Status.Ready, ready)
		}
		return nil
	})
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[1].Image = "migrate:v2" })
	w.eventually("job of the next version", func() error { return w.client.Get(w.ctx, w.key("migrate-v2"), &job) })
	w.eventually("job of the last version gone", func() error {
		if err := w.client.Get(w.ctx, w.key("migrate-v1"), &job); err == nil && job.DeletionTimestamp == nil {
			return fmt.Errorf("it is there")
		}
		return nil
	})
}

// TestTemplateRefused holds that a template that cannot be merged is told by its field, and that nothing is kept of it.
func TestTemplateRefused(t *testing.T) {
	w := newWorld(t, nil)
	raw := func(text string) *api.Template { return &api.Template{Spec: &runtime.RawExtension{Raw: []byte(text)}} }
	w.application("shop", api.Component{Name: "front", Image: "front:v1", Template: raw(`{"hostNetwork":true}`)})
	w.eventually("refused", func() error {
		c, err := w.applied("shop")
		if err == nil && !strings.Contains(c.Message, "spec.components[front].template.spec.hostNetwork") {
			err = fmt.Errorf("%+v", c)
		}
		return err
	})
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[0].Template = raw(`{"priorityClassName":""}`) })
	w.eventually("mended", func() error {
		c, err := w.applied("shop")
		if err == nil && c.Status != metav1.ConditionTrue {
			err = fmt.Errorf("%+v", c)
		}
		return err
	})
	if err := w.client.Get(w.ctx, w.key("front-v1"), &appsv1.Deployment{}); err != nil {
		t.Errorf("the mended version is not v1: %v", err)
	}
}
