// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/admission"
	"weir.dev/weir/internal/kube"
)

// answerer gathers what the verdicts need from the caches.
type answerer struct {
	reader    client.Reader
	templates string
}

// handlers answer the API server, by path.
func (a answerer) handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"/validate/applications": asked[api.Application](a.application),
		"/validate/strategies":   asked[api.Strategy](a.strategy),
		"/validate/releases":     asked[api.Release](a.release),
	}
}

// asked judges what is written of one kind.
type asked[T any] func(ctx context.Context, q *question[T]) (admission.Verdict, error)

// ServeHTTP answers the API server. An answer that cannot be found is yes, and so is one that comes of a mistake of ours: the
// controllers look again, and tell in conditions.
func (judge asked[T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := body(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var q question[T]
	verdict, err := judge.safely(r.Context(), text, &q)
	response := answer(verdict)
	if err != nil {
		logf.FromContext(r.Context()).Error(err, "a write was not looked at", "namespace", q.Request.Namespace, "name", q.Request.Name)
		response = &admissionv1.AdmissionResponse{Allowed: true, Warnings: []string{unseen}}
	}
	response.UID = q.Request.UID
	if err := respond(w, response); err != nil {
		logf.FromContext(r.Context()).V(1).Info("an answer was not taken", "why", err.Error())
	}
}

const unseen = "weir could not look at this; the status will tell whether it can be carried out"

// safely reads and judges, and turns a panic into an error.
func (judge asked[T]) safely(ctx context.Context, text []byte, q *question[T]) (v admission.Verdict, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := q.read(text); err != nil {
		return v, err
	}
	return judge(ctx, q)
}

func answer(v admission.Verdict) *admissionv1.AdmissionResponse {
	if len(v.Faults) == 0 {
		return &admissionv1.AdmissionResponse{Allowed: true, Warnings: v.Warnings}
	}
	return &admissionv1.AdmissionResponse{
		Warnings: v.Warnings,
		Result: &metav1.Status{
			Status: metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid,
			Message: strings.Join(v.Faults, "; "),
		},
	}
}

func (a answerer) application(ctx context.Context, q *question[api.Application]) (admission.Verdict, error) {
	q.Request.Object.Namespace = q.Request.Namespace
	around, err := a.around(ctx, &q.Request.Object)
	if err != nil {
		return admission.Verdict{}, err
	}
	return q.judge(func(before, after *api.Application) admission.Verdict {
		return admission.Application(before, after, around)
	})
}

func (a answerer) around(ctx context.Context, app *api.Application) (admission.Around, error) {
	out := admission.Around{Strategies: map[string]api.StrategySpec{}}
	all := kube.Strategies{Reader: a.reader, Templates: a.templates}
	exposed := false
	for _, c := range app.Spec.Components {
		exposed = exposed || c.Expose != nil
		if _, known := out.Strategies[c.Strategy]; known || c.Strategy == "" {
			continue
		}
		found, err := all.Find(ctx, app.Namespace, c.Strategy)
		if err != nil {
			return out, err
		}
		if found != nil {
			out.Strategies[c.Strategy] = found.Spec
		}
	}
	// Who is exposed meets those of other namespaces at the gateway.
	options := []client.ListOption{client.UnsafeDisableDeepCopy}
	if !exposed {
		options = append(options, client.InNamespace(app.Namespace))
	}
	var others api.ApplicationList
	if err := a.reader.List(ctx, &others, options...); err != nil {
		return out, fmt.Errorf("list applications: %w", err)
	}
	out.Applications = others.Items
	return out, nil
}

func (a answerer) strategy(ctx context.Context, q *question[api.Strategy]) (admission.Verdict, error) {
	var users api.ApplicationList
	if err := a.reader.List(ctx, &users, client.InNamespace(q.Request.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return admission.Verdict{}, fmt.Errorf("list applications: %w", err)
	}
	return q.judge(func(before, after *api.Strategy) admission.Verdict {
		return admission.Strategy(before, after, users.Items)
	})
}

func (a answerer) release(ctx context.Context, q *question[api.Release]) (admission.Verdict, error) {
	if q.Request.Operation != admissionv1.Update {
		return admission.Verdict{}, nil
	}
	var app *api.Application
	var found api.Application
	err := a.reader.Get(ctx, client.ObjectKey{Namespace: q.Request.Namespace, Name: q.Request.Object.Spec.Application}, &found)
	if client.IgnoreNotFound(err) != nil {
		return admission.Verdict{}, fmt.Errorf("read the application: %w", err)
	}
	if err == nil {
		app = &found
	}
	return q.judge(func(before, after *api.Release) admission.Verdict { return admission.Release(before, after, app) })
}
