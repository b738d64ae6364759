// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"fmt"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
)

// stock is how Istio's chart selects for the revision; the default one has the old labels as well.
const stock = `
metadata: {name: istio-sidecar-injector-%[1]s, labels: {istio.io/rev: %[1]s}}
webhooks:
  - name: rev.namespace.sidecar-injector.istio.io
    clientConfig: {service: {namespace: istio-system, name: istiod-%[1]s}}
    namespaceSelector: {matchExpressions: [{key: istio.io/rev, operator: In, values: [%[1]s]}, {key: istio-injection, operator: DoesNotExist}]}
    objectSelector: {matchExpressions: [{key: sidecar.istio.io/inject, operator: NotIn, values: ["false"]}]}
  - name: rev.object.sidecar-injector.istio.io
    clientConfig: {service: {namespace: istio-system, name: istiod-%[1]s}}
    namespaceSelector: {matchExpressions: [{key: istio.io/rev, operator: DoesNotExist}, {key: istio-injection, operator: DoesNotExist}]}
    objectSelector: {matchExpressions: [{key: sidecar.istio.io/inject, operator: NotIn, values: ["false"]}, {key: istio.io/rev, operator: In, values: [%[1]s]}]}
`

const old = `  - name: namespace.sidecar-injector.istio.io
    failurePolicy: Ignore
    clientConfig: {service: {namespace: istio-system, name: istiod}}
    namespaceSelector: {matchExpressions: [{key: istio-injection, operator: In, values: [enabled]}]}
    objectSelector: {matchExpressions: [{key: sidecar.istio.io/inject, operator: NotIn, values: ["false"]}]}
  - {name: validation.istio.io, clientConfig: {url: "https://elsewhere"}}
`

func injectors(t *testing.T, texts ...string) []Injector {
	t.Helper()
	var all []admissionv1.MutatingWebhookConfiguration
	for _, text := range texts {
		var c admissionv1.MutatingWebhookConfiguration
		if err := yaml.UnmarshalStrict([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	out, err := Injectors(all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMatch(t *testing.T) {
	all := injectors(t, fmt.Sprintf(stock, "default")+old, fmt.Sprintf(stock, "canary"))
	if len(all) != 5 {
		t.Fatalf("%d injectors, want 5", len(all))
	}
	for name, tt := range map[string]struct {
		namespace, pod string
		want           string // service; else what the words say
	}{
		"enabled":                    {"istio-injection=enabled", "sidecar.istio.io/inject=true", "istio-system/istiod"},
		"by revision":                {"istio.io/rev=canary", "", "istio-system/istiod-canary"},
		"the old label wins":         {"istio.io/rev=canary,istio-injection=enabled", "", "istio-system/istiod"},
		"the pod names a revision":   {"", "istio.io/rev=canary", "istio-system/istiod-canary"},
		"off":                        {"istio-injection=disabled", "sidecar.istio.io/inject=true", "injection is off for namespace shop"},
		"nothing said":               {"", "sidecar.istio.io/inject=true", "kubectl label namespace shop istio-injection=enabled"},
		"a revision that is not":     {"istio.io/rev=gone", "", "revision gone of Istio, which namespace shop asks for, is not there; there are: canary, default"},
		"the pod does not want to":   {"istio-injection=enabled", "sidecar.istio.io/inject=false", "the pods themselves say"},
		"another label is no matter": {"istio-injection=enabled", "app=x", "istio-system/istiod"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Match(all, set(tt.namespace), set(tt.pod))
			if ok && got.Service != tt.want {
				t.Errorf("asked is %s, want %s", got.Service, tt.want)
			}
			if why := Why(all, "shop", set(tt.namespace), set(tt.pod)); !ok && !strings.Contains(why, tt.want) {
				t.Errorf("why: %q, want %q", why, tt.want)
			}
		})
	}
	if why := Why(nil, "shop", nil, nil); !strings.Contains(why, "no istiod injects") {
		t.Errorf("without injectors: %q", why)
	}
	if why := Why(injectors(t, fmt.Sprintf(stock, "canary")), "shop", nil, nil); !strings.Contains(why, "istio.io/rev=canary") {
		t.Errorf("without a default revision: %q", why)
	}
}

func set(text string) map[string]string {
	out := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			out[key] = value
		}
	}
	return out
}

var now = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

// pods writes "ready+sidecar" and the like, one word a pod, with its age behind an @.
func pods(text string) []corev1.Pod {
	var out []corev1.Pod
	for i, word := range strings.Fields(text) {
		word, age, _ := strings.Cut(word, "@")
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("p%d", i), Labels: map[string]string{}, CreationTimestamp: metav1.NewTime(now.Add(-time.Hour))}}
		if d, err := time.ParseDuration(age); err == nil {
			p.CreationTimestamp.Time = now.Add(-d)
		}
		if strings.Contains(word, "ready") {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		}
		if strings.Contains(word, "sidecar") {
			p.Labels["sidecar"] = "yes"
		}
		out = append(out, p)
	}
	return out
}

func TestDecide(t *testing.T) {
	for name, tt := range map[string]struct {
		pods   string
		change func(*Seen)
		want   Action
		pod    string
		words  string
	}{
		"all have one":                      {"ready+sidecar ready+sidecar", nil, Nothing, "", ""},
		"one lacks it":                      {"ready+sidecar ready", nil, Evict, "p1", "1 pod came up without a sidecar (p1); p1 is restarted"},
		"one that is not ready goes first":  {"ready ready new", nil, Evict, "p2", "3 pods came up"},
		"asks first":                        {"ready ready", func(s *Seen) { s.Tried = false }, Try, "p0", "being asked"},
		"another would have none either":    {"ready ready", func(s *Seen) { s.Trial = "hostNetwork" }, Ask, "p0", "a new pod would get none either: hostNetwork"},
		"the only one":                      {"ready", nil, Restart, "p0", "another is started before it ends"},
		"the only one of a StatefulSet":     {"ready", func(s *Seen) { s.Kind = api.StatefulSet }, Ask, "p0", "would cost requests"},
		"the only one, and it is not ready": {"new", nil, Evict, "p0", ""},
		"not Weir's":                        {"ready ready", func(s *Seen) { s.Owned = false }, Ask, "p0", "not Weir's to restart"},
		"injection is off":                  {"ready ready", func(s *Seen) { s.Injector, s.Why = nil, "it is off" }, Ask, "p0", "it is off"},
		"istiod is down":                    {"ready ready", func(s *Seen) { s.Answering = false }, Wait, "p0", "istiod (istio-system/istiod) is not ready"},
		"one is ending":                     {"ready ready", func(s *Seen) { s.Ending = 1 }, Wait, "p0", "still ending"},
		"the new one is not there":          {"ready ready", func(s *Seen) { s.Wanted = 3 }, Wait, "p0", "is not there yet"},
		"the new one is not ready":          {"ready ready sidecar@5s", nil, Wait, "p0", "p2 has to be ready before"},
		"the new one is never ready":        {"ready ready sidecar@10m", nil, Evict, "p0", ""},
		"just repaired, to no avail":        {"ready ready", before(1, 5*time.Second), Wait, "p0", "10s after the one before"},
		"repaired a while ago":              {"ready ready", before(1, 11*time.Second), Evict, "p0", ""},
		"repaired twice to no avail":        {"ready ready", before(2, 15*time.Second), Wait, "p0", "20s after"},
		"just repaired, and it helped":      {"ready ready+sidecar@4s", before(1, 5*time.Second), Evict, "p0", ""},
		"five times to no avail":            {"ready ready", before(5, time.Hour), Ask, "p0", "5 restarts did not help"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Seen{
				Component: "reviews", Namespace: "shop", Owned: true, Pods: pods(tt.pods), Injector: &Injector{Service: "istio-system/istiod"}, Answering: true,
				Tried: true, Lacking: func(p *corev1.Pod) bool { return p.Labels["sidecar"] == "" },
			}
			if tt.change != nil {
				tt.change(&s)
			}
			got := Decide(now, s)
			if got.Action != tt.want || got.Pod != tt.pod || !strings.Contains(got.Message, tt.words) {
				t.Errorf("got %+v, want %s of %s and %q", got, tt.want, tt.pod, tt.words)
			}
			if got.Action == Wait && got.Again == 0 {
				t.Error("it waits for ever")
			}
		})
	}
}

func before(attempts int32, ago time.Duration) func(*Seen) {
	return func(s *Seen) {
		s.Before = &api.InjectionRepair{Component: "reviews", Attempts: attempts, At: metav1.NewMicroTime(now.Add(-ago))}
	}
}

func TestAfter(t *testing.T) {
	s := Seen{Component: "reviews", Pods: pods("ready"), Lacking: func(p *corev1.Pod) bool { return p.Labels["sidecar"] == "" }}
	if got := After(now, s); got.Attempts != 1 {
		t.Errorf("the first is number %d", got.Attempts)
	}
	before(2, time.Minute)(&s)
	if got := After(now, s); got.Attempts != 3 {
		t.Errorf("the third in a row is number %d", got.Attempts)
	}
	before(4, time.Hour)(&s)
	if got := After(now, s); got.Attempts != 1 {
		t.Errorf("after an hour it is number %d", got.Attempts)
	}
}
