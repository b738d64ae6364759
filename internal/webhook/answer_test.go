// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/admission"
)

// stock is a cache that holds these, as informers do.
type stock struct {
	strategies   []api.Strategy
	applications []api.Application
}

func (s stock) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch into := into.(type) {
	case *api.Strategy:
		for _, o := range s.strategies {
			if o.Name == key.Name && o.Namespace == key.Namespace {
				o.DeepCopyInto(into)
				return nil
			}
		}
	case *api.Application:
		for _, o := range s.applications {
			if o.Name == key.Name && o.Namespace == key.Namespace {
				o.DeepCopyInto(into)
				return nil
			}
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func (s stock) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	if list, ok := into.(*api.ApplicationList); ok {
		list.Items = s.applications
	}
	return nil
}

// review is what the API server asks about a write of the object.
func review(t testing.TB, resource string, before, after any) string {
	t.Helper()
	raw := func(o any) runtime.RawExtension {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return runtime.RawExtension{Raw: text}
	}
	r := &admissionv1.AdmissionRequest{
		UID: "1", Operation: admissionv1.Create, Namespace: "shop", Name: "shop", Object: raw(after),
		Kind:     metav1.GroupVersionKind{Group: "weir.dev", Version: "v1alpha1", Kind: "Any"},
		Resource: metav1.GroupVersionResource{Group: "weir.dev", Version: "v1alpha1", Resource: resource},
	}
	if before != nil {
		r.Operation, r.OldObject = admissionv1.Update, raw(before)
	}
	text, err := json.Marshal(admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: r})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bookinfo is the example application.
func bookinfo(t testing.TB) *api.Application {
	t.Helper()
	paths, err := filepath.Glob("../../examples/bookinfo/manifest/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			var app api.Application
			if strings.Contains(document, "kind: Application") {
				if err := yaml.UnmarshalStrict([]byte(document), &app); err != nil {
					t.Fatal(err)
				}
				app.Namespace = "shop"
				return &app
			}
		}
	}
	t.Fatal("no example application")
	return nil
}

func canary(name string) api.Strategy {
	s := api.Strategy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "weir.dev/v1alpha1", Kind: "Strategy"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
	}
	s.Spec.Steps = []api.Step{{Weight: 10}, {Weight: 50}}
	s.Spec.Analysis = &api.Analysis{Metrics: []api.Metric{{Name: "errors", Query: `sum(rate(errors_total{app="$(component)"}[$(window)]))`, Max: new(1.0)}}}
	return s
}

// BenchmarkReview answers one question after the other, as they come from the connection: how much of a core one costs.
func BenchmarkReview(b *testing.B) {
	ctrl.SetLogger(logr.Discard())
	app := bookinfo(b)
	s := stock{applications: []api.Application{*app}}
	for i := range app.Spec.Components {
		if name := app.Spec.Components[i].Strategy; name != "" {
			s.strategies = append(s.strategies, canary(name))
		}
	}
	changed := app.DeepCopy()
	changed.Spec.Components[0].Image += "x"
	strategy, edited := canary("trial"), canary("trial")
	edited.Spec.Steps[0].Weight = 20
	for name, c := range map[string]struct {
		resource      string
		before, after any
	}{
		"application/new":     {"applications", nil, app},
		"application/changed": {"applications", app, changed},
		"strategy/new":        {"strategies", nil, strategy},
		"strategy/changed":    {"strategies", strategy, edited},
	} {
		b.Run(name, func(b *testing.B) {
			path := "/validate/" + c.resource
			handler := answerer{reader: s}.handlers()[path]
			body := review(b, c.resource, c.before, c.after)
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if !strings.Contains(w.Body.String(), `"allowed":true`) || strings.Contains(w.Body.String(), "could not look") {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

// TestAnswer asks as the API server does, and reads what it reads.
func TestAnswer(t *testing.T) {
	ctrl.SetLogger(logr.Discard())
	good, bad, worse := canary("trial"), canary("trial"), canary("trial")
	bad.Spec.Windows = []api.Window{{Zone: "Mars/Olympus"}}
	worse.Spec.Windows = []api.Window{{Zone: "Mars/Olympus"}, {Zone: "Pluto"}}
	for name, c := range map[string]struct {
		before, after any
		body          string
		code          int
		allowed       bool
		message, warn string
	}{
		"good":                   {after: good, code: http.StatusOK, allowed: true},
		"bad":                    {after: bad, code: http.StatusOK, message: "spec.windows[0].zone"},
		"becomes bad":            {before: good, after: bad, code: http.StatusOK, message: "spec.windows[0].zone"},
		"bad as it was":          {before: bad, after: bad, code: http.StatusOK, allowed: true, warn: "as before: spec.windows[0].zone"},
		"becomes worse":          {before: bad, after: worse, code: http.StatusOK, message: "spec.windows[1].zone", warn: "as before: spec.windows[0].zone"},
		"what nobody can read":   {after: map[string]any{"spec": map[string]any{"steps": "many"}}, code: http.StatusOK, allowed: true, warn: unseen},
		"what was is unreadable": {before: map[string]any{"spec": 1}, after: bad, code: http.StatusOK, allowed: true, warn: unseen},
		"no question":            {body: "words", code: http.StatusOK, allowed: true, warn: unseen},
		"too much":               {body: strings.Repeat(" ", largest+1), code: http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			text := c.body
			if text == "" {
				text = review(t, "strategies", c.before, c.after)
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/validate/strategies", strings.NewReader(text))
			answerer{reader: stock{}}.handlers()["/validate/strategies"].ServeHTTP(w, r)
			if w.Code != c.code {
				t.Fatalf("%d %s, want %d", w.Code, w.Body, c.code)
			}
			if c.code != http.StatusOK {
				return
			}
			var got admissionv1.AdmissionReview
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if c.body == "" && got.Response.UID != "1" || got.Kind != "AdmissionReview" || got.APIVersion != "admission.k8s.io/v1" {
				t.Errorf("it is the answer to another question: %s", w.Body)
			}
			if got.Response.Allowed != c.allowed {
				t.Errorf("allowed is %t, want %t: %s", got.Response.Allowed, c.allowed, w.Body)
			}
			message := ""
			if got.Response.Result != nil {
				message = got.Response.Result.Message
			}
			if !strings.HasPrefix(message, c.message) || !strings.HasPrefix(strings.Join(got.Response.Warnings, ""), c.warn) {
				t.Errorf("it says %q and warns %q, want %q and %q", message, got.Response.Warnings, c.message, c.warn)
			}
		})
	}
}

// TestPanicIsYes holds that a mistake of ours stops nobody.
func TestPanicIsYes(t *testing.T) {
	ctrl.SetLogger(logr.Discard())
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(review(t, "strategies", nil, canary("trial"))))
	asked[api.Strategy](func(context.Context, *question[api.Strategy]) (admission.Verdict, error) { panic("a mistake") }).ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `"allowed":true`) || !strings.Contains(w.Body.String(), unseen) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
