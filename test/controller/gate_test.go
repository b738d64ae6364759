// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	pretend "weir.dev/weir/test/world"
)

// desk is a server that gates ask.
type desk struct {
	*httptest.Server
	mu    sync.Mutex
	code  int
	asked []string
}

func newDesk(t *testing.T, code int) *desk {
	d := &desk{code: code}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Release, Point, Phase string
			Step                  int
			Weights               map[string]int
		}
		err := json.NewDecoder(r.Body).Decode(&q)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = append(d.asked, fmt.Sprintf("%s %s %d v2=%d", q.Release, q.Point, q.Step, q.Weights["v2"]))
		if w.WriteHeader(d.code); err != nil || r.Header.Get("Idempotency-Key") == "" {
			d.asked = append(d.asked, fmt.Sprint("not understood: ", err))
		}
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *desk) says(code int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.code = code
}

// questions are those asked so far, each once.
func (d *desk) questions() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Compact(slices.Clone(d.asked))
}

func gated(gates ...api.Gate) api.StrategySpec {
	s := quick()
	s.Analysis = nil
	s.Steps = s.Steps[:1]
	s.Gates = gates
	return s
}

func (w *world) jobs(release string) []batchv1.Job {
	w.Helper()
	var list batchv1.JobList
	if err := w.client.List(w.ctx, &list, client.InNamespace(w.namespace), client.MatchingLabels{api.LabelRelease: release}); err != nil {
		w.Fatal(err)
	}
	return list.Items
}

func TestWebhookIsAskedAtItsPoint(t *testing.T) {
	d := newDesk(t, http.StatusOK)
	hook := &api.WebhookGate{URL: d.URL}
	w := newWorld(t, nil)
	w.shop(gated(
		api.Gate{Name: "start", At: api.GateBeforeStart, Webhook: hook}, api.Gate{Name: "step", At: api.GateBeforeStep, Webhook: hook},
		api.Gate{Name: "whole", At: api.GateBeforePromotion, Webhook: hook}, api.Gate{Name: "end", At: api.GateAfterRelease, Webhook: hook},
	))
	w.set("reviews:v2")
	w.phase("reviews-v2", api.ReleasePromoted)
	w.gate("end", api.GateOpen)
	got := d.questions()
	slices.Sort(got)
	want := []string{
		"reviews-v2 AfterRelease 0 v2=100", "reviews-v2 BeforePromotion 0 v2=10", "reviews-v2 BeforeStart 0 v2=0",
		"reviews-v2 BeforeStep 1 v2=0", "reviews-v2 BeforeStep 2 v2=10",
	}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
}

// gate waits until the gate of reviews-v2 is in the state.
func (w *world) gate(name string, want api.GateState) (record api.GateRecord) {
	w.Helper()
	w.eventually("gate "+name, func() error {
		release, err := w.release("reviews-v2")
		if err != nil {
			return err
		}
		for _, record = range release.Status.Gates {
			if record.Name == name && record.State == want {
				return nil
			}
		}
		return fmt.Errorf("gates %+v in %s (%s)", release.Status.Gates, release.Status.Phase, release.Status.Message)
	})
	return record
}

func TestClosedWebhookHoldsTheReleaseAndOpensLater(t *testing.T) {
	d := newDesk(t, http.StatusForbidden)
	w := newWorld(t, nil)
	w.shop(gated(api.Gate{Name: "desk", At: api.GateBeforePromotion, Webhook: &api.WebhookGate{URL: d.URL}}))
	w.set("reviews:v2")
	w.eventually("words", func() error {
		release, err := w.release("reviews-v2")
		if err == nil && !strings.Contains(release.Status.Message, "does not agree yet: it answers 403 Forbidden") {
			err = fmt.Errorf("%s: %s", release.Status.Phase, release.Status.Message)
		}
		return err
	})
	w.route(map[string]int32{"v1": 90, "v2": 10})
	d.says(http.StatusOK)
	w.phase("reviews-v2", api.ReleasePromoted)
}

func TestBadVersionDoesNotWaitForAGate(t *testing.T) {
	block := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(block) })
	w := newWorld(t, nil)
	strategy := gated(
		api.Gate{Name: "hook", At: api.GateBeforePromotion, Webhook: &api.WebhookGate{URL: slow.URL, Timeout: &metav1.Duration{Duration: 30 * time.Second}}},
		api.Gate{Name: "job", At: api.GateBeforePromotion, Job: &api.JobGate{Image: pretend.ImageHangs}},
	)
	strategy.Analysis = quick().Analysis
	w.shop(strategy)
	w.set("reviews:v2")
	w.gate("hook", api.GateWaiting)
	w.eventually("Job", func() error {
		if n := len(w.jobs("reviews-v2")); n != 1 {
			return fmt.Errorf("%d Jobs", n)
		}
		return nil
	})
	callers.saw(w.namespace, mesh.Sample{Requests: 2000, Failed: 100})
	begin := time.Now()
	if release := w.phase("reviews-v2", api.ReleaseRolledBack); release.Status.Reason != "Unhealthy" {
		t.Errorf("reason %s, want Unhealthy", release.Status.Reason)
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("the way back took %s: it waited for a gate", took)
	}
	w.eventually("Job suspended", func() error {
		if job := w.jobs("reviews-v2")[0]; job.Spec.Suspend == nil || !*job.Spec.Suspend {
			return fmt.Errorf("it runs on")
		}
		return nil
	})
}

func TestJobOpensItsGate(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(gated(
		api.Gate{Name: "smoke", At: api.GateBeforeStep, Job: &api.JobGate{Image: "smoke:1", Args: []string{"all"}, Retries: 2}},
		api.Gate{Name: "end", At: api.GateAfterRelease, Job: &api.JobGate{Image: pretend.ImageFails}},
	))
	w.set("reviews:v2")
	release := w.phase("reviews-v2", api.ReleasePromoted)
	if record := w.gate("end", api.GateFailed); !strings.Contains(record.Message, "exit code 1") {
		t.Errorf("message %q", record.Message)
	}
	jobs := w.jobs("reviews-v2")
	var steps []string
	for _, job := range jobs {
		pod := job.Spec.Template
		for _, e := range pod.Spec.Containers[0].Env {
			if e.Name == "WEIR_STEP" {
				steps = append(steps, e.Value)
			}
		}
		if !metav1.IsControlledBy(&job, &release) || *job.Spec.ActiveDeadlineSeconds != 600 {
			t.Errorf("Job %s: owners %v, deadline %d", job.Name, job.OwnerReferences, *job.Spec.ActiveDeadlineSeconds)
		}
		if pod.Labels["sidecar.istio.io/inject"] != "false" || pod.Labels["app"] != "" || pod.Labels[api.LabelComponent] != "" {
			t.Errorf("labels of its pods: %v", pod.Labels)
		}
	}
	slices.Sort(steps)
	if diff := cmp.Diff([]string{"0", "1", "2"}, steps); diff != "" {
		t.Errorf("steps of the Jobs (-want +got):\n%s", diff)
	}
	want := []corev1.EnvVar{
		{Name: "WEIR_RELEASE", Value: "reviews-v2"}, {Name: "WEIR_FROM", Value: "v1"}, {Name: "WEIR_TO", Value: "v2"}, {Name: "WEIR_STEP", Value: "1"},
	}
	if len(jobs) > 0 {
		i := slices.IndexFunc(jobs, func(j batchv1.Job) bool { return strings.HasPrefix(j.Name, "reviews-v2-smoke-1-") })
		if diff := cmp.Diff(want, jobs[max(i, 0)].Spec.Template.Spec.Containers[0].Env); diff != "" || i < 0 {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
	}
}

func TestFailedJobTurnsTheReleaseBack(t *testing.T) {
	w := newWorld(t, nil)
	w.shop(gated(api.Gate{Name: "smoke", At: api.GateBeforeStart, Job: &api.JobGate{Image: pretend.ImageFails}}))
	w.set("reviews:v2")
	release := w.phase("reviews-v2", api.ReleaseRolledBack)
	if release.Status.Reason != "GateFailed" || !strings.Contains(release.Status.Message, "gate smoke has failed") {
		t.Errorf("reason %s: %s", release.Status.Reason, release.Status.Message)
	}
	if len(release.Status.Steps) > 0 || len(w.jobs("reviews-v2")) != 1 {
		t.Errorf("steps %v, Jobs %v", release.Status.Steps, w.jobs("reviews-v2"))
	}
}
