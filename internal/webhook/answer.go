// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/admission"
	"weir.dev/weir/internal/kube"
)

// check judges a request.
type check func(ctx context.Context, r request) (admission.Verdict, error)

type request struct {
	ctrladmission.Request
	decoder ctrladmission.Decoder
}

// read decodes what is written, and what was there before, if there was.
func (r request) read(before, after client.Object) error {
	if err := r.decoder.DecodeRaw(r.Object, after); err != nil {
		return fmt.Errorf("read what is written: %w", err)
	}
	after.SetNamespace(r.Namespace)
	if r.Operation != admissionv1.Update {
		return nil
	}
	if err := r.decoder.DecodeRaw(r.OldObject, before); err != nil {
		return fmt.Errorf("read what was there: %w", err)
	}
	return nil
}

// serve answers the API server. An answer that cannot be found is yes, and so is one that comes of a mistake of ours: the
// controllers look again, and tell in conditions.
func serve(scheme *runtime.Scheme, judge check) http.Handler {
	decoder := ctrladmission.NewDecoder(scheme)
	return &ctrladmission.Webhook{Handler: ctrladmission.HandlerFunc(func(ctx context.Context, r ctrladmission.Request) ctrladmission.Response {
		verdict, err := safely(ctx, judge, request{r, decoder})
		if err != nil {
			logf.FromContext(ctx).Error(err, "a write was not looked at")
			return ctrladmission.Allowed("").WithWarnings("weir could not look at this; the status will tell whether it can be carried out")
		}
		return answer(verdict)
	})}
}

// safely turns a panic into an error.
func safely(ctx context.Context, judge check, r request) (v admission.Verdict, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return judge(ctx, r)
}

func answer(v admission.Verdict) ctrladmission.Response {
	if len(v.Faults) == 0 {
		return ctrladmission.Allowed("").WithWarnings(v.Warnings...)
	}
	return ctrladmission.Response{AdmissionResponse: admissionv1.AdmissionResponse{
		Warnings: v.Warnings,
		Result:   &metav1.Status{Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid, Message: strings.Join(v.Faults, "; ")},
	}}
}

// answerer gathers what the verdicts need from the caches.
type answerer struct {
	reader    client.Reader
	templates string
}

func (a answerer) checks() map[string]check {
	return map[string]check{
		"/validate/applications": a.application, "/validate/strategies": a.strategy, "/validate/releases": a.release,
	}
}

func (a answerer) application(ctx context.Context, r request) (admission.Verdict, error) {
	var before, after api.Application
	if err := r.read(&before, &after); err != nil {
		return admission.Verdict{}, err
	}
	around, err := a.around(ctx, &after)
	if err != nil {
		return admission.Verdict{}, err
	}
	if r.Operation != admissionv1.Update {
		return admission.Application(nil, &after, around), nil
	}
	return admission.Application(&before, &after, around), nil
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

func (a answerer) strategy(ctx context.Context, r request) (admission.Verdict, error) {
	var before, after api.Strategy
	if err := r.read(&before, &after); err != nil {
		return admission.Verdict{}, err
	}
	var users api.ApplicationList
	if err := a.reader.List(ctx, &users, client.InNamespace(after.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return admission.Verdict{}, fmt.Errorf("list applications: %w", err)
	}
	if r.Operation != admissionv1.Update {
		return admission.Strategy(nil, &after, users.Items), nil
	}
	return admission.Strategy(&before, &after, users.Items), nil
}

func (a answerer) release(ctx context.Context, r request) (admission.Verdict, error) {
	var before, after api.Release
	if r.Operation != admissionv1.Update {
		return admission.Verdict{}, nil
	}
	if err := r.read(&before, &after); err != nil {
		return admission.Verdict{}, err
	}
	var app api.Application
	err := a.reader.Get(ctx, client.ObjectKey{Namespace: after.Namespace, Name: after.Spec.Application}, &app)
	switch {
	case err == nil:
		return admission.Release(&before, &after, &app), nil
	case apierrors.IsNotFound(err):
		return admission.Release(&before, &after, nil), nil
	default:
		return admission.Verdict{}, errors.Join(errors.New("read the application"), err)
	}
}
