// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	engine "weir.dev/weir/internal/release"
)

var t0 = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

// server is one that is asked, and remembers what it was.
type server struct {
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []question
	keys   []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var q question
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.Method != http.MethodPost {
		q.Message = fmt.Sprint(r.Method, err)
	}
	s.asked, s.keys = append(s.asked, q), append(s.keys, r.Header.Get("Idempotency-Key"))
	answer := s.answer
	s.mu.Unlock()
	answer(w, r)
}

func (s *server) says(code int, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(code)
		fmt.Fprint(w, words)
	}
}

func hooked(url string) *api.Release {
	r := &api.Release{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reviews-v2", UID: "1"}}
	r.Spec = api.ReleaseSpec{Application: "shop", Component: "reviews", From: "v1", To: "v2", Strategy: api.StrategySpec{
		Steps: []api.Step{{Weight: 10}, {Weight: 50}},
		Gates: []api.Gate{{Name: "desk", At: api.GateBeforeStep, Webhook: &api.WebhookGate{URL: url, Timeout: &metav1.Duration{Duration: 20 * time.Second}}}},
	}}
	r.Status = api.ReleaseStatus{Phase: api.ReleaseObserving, Step: 1, Wanted: []api.VersionWanted{{Version: "v1", Weight: 90}, {Version: "v2", Weight: 10}}}
	return r
}

var second = engine.Ask{Name: "desk", Point: api.GateBeforeStep, Step: 2}

// answered asks, waits for the server's answer to be told, and asks again.
func answered(t *testing.T, a *Asker, r *api.Release) (engine.GateAnswer, time.Duration) {
	t.Helper()
	if answers, again := a.Ask(t.Context(), r, []engine.Ask{second}); answers[0].State != api.GateWaiting || again != 0 {
		t.Fatalf("before there is an answer: %+v, again in %s", answers, again)
	}
	select {
	case told := <-a.Told():
		if client.ObjectKeyFromObject(told.Object) != client.ObjectKeyFromObject(r) {
			t.Fatalf("told of %s", told.Object.GetName())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was told")
	}
	answers, again := a.Ask(t.Context(), r, []engine.Ask{second})
	return answers[0], again
}

func TestWebhookAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		url    string
		state  api.GateState
		words  string
	}{
		"agrees": {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, state: api.GateOpen, words: "HOST agrees"},
		"agrees in words": {
			answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "go\n  on") },
			state:  api.GateOpen, words: "HOST agrees: go on",
		},
		"refuses in JSON": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json; charset=utf-8")
				w.WriteHeader(http.StatusConflict)
				fmt.Fprint(w, `{"message":"the budget is spent"}`)
			},
			state: api.GateWaiting, words: "HOST does not agree yet: it answers 409 Conflict: the budget is spent",
		},
		"says its code twice": {
			answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Forbidden", http.StatusForbidden) },
			state:  api.GateWaiting, words: "HOST does not agree yet: it answers 403 Forbidden",
		},
		"shows a page": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusBadGateway)
				fmt.Fprint(w, `<h1>oh</h1>`)
			},
			state: api.GateWaiting, words: "HOST does not agree yet: it answers 502 Bad Gateway",
		},
		"sends away": {
			answer: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
			state:  api.GateWaiting, words: "HOST does not agree yet: it answers 302 Found: redirects are not followed",
		},
		"is slow": {
			answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			state:  api.GateWaiting, words: "HOST gives no answer within 100ms",
		},
		"hangs up": {
			answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			state:  api.GateWaiting, words: "HOST cannot be asked: EOF",
		},
		"is not there":     {url: "http://127.0.0.1:1/secret", state: api.GateWaiting, words: "127.0.0.1:1 cannot be asked: nobody listens there"},
		"is a cloud's own": {url: "http://169.254.169.254/", state: api.GateWaiting, words: "169.254.169.254 cannot be asked: dial tcp 169.254.169.254:80: link-local addresses are not asked"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{answer: tt.answer}
			live := httptest.NewServer(s)
			defer live.Close()
			url := live.URL + "/secret"
			if tt.url != "" {
				url = tt.url
			}
			a, r := New(t.Context(), nil, clocktesting.NewFakePassiveClock(t0)), hooked(url)
			if strings.Contains(tt.words, "100ms") {
				r.Spec.Strategy.Gates[0].Webhook.Timeout.Duration = 100 * time.Millisecond
			}
			got, again := answered(t, a, r)
			want := engine.GateAnswer{Ask: second, State: tt.state, Message: strings.ReplaceAll(tt.words, "HOST", live.Listener.Addr().String())}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if (again == 0) != (tt.state == api.GateOpen) {
				t.Errorf("asks again in %s", again)
			}
		})
	}
}

func TestWebhookIsAskedAgainWithTheSameKey(t *testing.T) {
	s := &server{}
	s.says(http.StatusServiceUnavailable, "not yet")
	live := httptest.NewServer(s)
	defer live.Close()
	now := clocktesting.NewFakePassiveClock(t0)
	a, r := New(t.Context(), nil, now), hooked(live.URL)
	var pauses []time.Duration
	for range 7 {
		_, again := answered(t, a, r)
		pauses = append(pauses, again)
		if answers, _ := a.Ask(t.Context(), r, []engine.Ask{second}); answers[0].State != api.GateWaiting {
			t.Fatalf("asked too early, got %+v", answers)
		}
		now.SetTime(now.Now().Add(again))
	}
	if diff := cmp.Diff([]time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 30e9, 30e9}, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	s.says(http.StatusOK, "")
	if got, _ := answered(t, a, r); got.State != api.GateOpen {
		t.Errorf("got %+v, want it open", got)
	}
	// A controller that begins anew asks again, and so does a release of the same name for itself.
	_, _ = answered(t, New(t.Context(), nil, now), r)
	other := hooked(live.URL)
	other.UID = "2"
	_, _ = answered(t, a, other)
	if n := len(s.asked); n != 10 {
		t.Fatalf("asked %d times, want 10", n)
	}
	want := question{
		Key: s.keys[0], Namespace: "shop", Release: "reviews-v2", Application: "shop", Component: "reviews", From: "v1", To: "v2",
		Gate: "desk", Point: api.GateBeforeStep, Step: 2, Weights: map[string]int32{"v1": 90, "v2": 10},
		Next: map[string]int32{"v1": 50, "v2": 50}, Phase: api.ReleaseObserving,
	}
	for i, got := range s.asked[:9] {
		if diff := cmp.Diff(want, got); diff != "" || s.keys[i] != want.Key {
			t.Errorf("question %d with key %s (-want +got):\n%s", i, s.keys[i], diff)
		}
	}
	if s.keys[9] == want.Key {
		t.Error("another release has the same key")
	}
}

func TestAnswersAreForgotten(t *testing.T) {
	s := &server{}
	s.says(http.StatusOK, "")
	live := httptest.NewServer(s)
	defer live.Close()
	a, r := New(t.Context(), nil, clocktesting.NewFakePassiveClock(t0)), hooked(live.URL)
	for name, forget := range map[string]func(){
		"on record": func() { a.Ask(t.Context(), r, nil) },
		"gone":      func() { a.Forget(client.ObjectKeyFromObject(r)) },
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := answered(t, a, r); got.State != api.GateOpen {
				t.Fatalf("got %+v", got)
			}
			if forget(); len(a.calls) > 0 {
				t.Errorf("still known: %v", a.calls)
			}
		})
	}
}

func TestJobNamesAreTheirOwn(t *testing.T) {
	long := strings.Repeat("reviews-", 8)
	seen := map[string]bool{}
	for i, release := range []string{"rel", "rel-a", long + "v1", long + "v2"} {
		r := &api.Release{ObjectMeta: metav1.ObjectMeta{Name: release, UID: types.UID(strconv.Itoa(i))}}
		for _, gate := range []string{"a", "a-1", "a-a"} {
			for step := range int32(3) {
				name := jobName(r, engine.Ask{Name: gate, Step: step})
				if seen[name] || len(name) > nameLimit {
					t.Errorf("name %s of %s, %s, %d", name, release, gate, step)
				}
				seen[name] = true
			}
		}
	}
}
