// SPDX-License-Identifier: Apache-2.0

package review

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"weir.dev/weir/examples/bookinfo/call"
	"weir.dev/weir/examples/bookinfo/rating"
)

func TestVersions(t *testing.T) {
	cases := map[string]struct {
		version string
		want    *Rating
		calls   int
	}{
		"V1": {"v1", nil, 0},
		"V2": {"v2", &Rating{Stars: 5, Color: Black}, 1},
		"V3": {"v3", &Rating{Stars: 5, Color: Red}, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			calls := 0
			ratings := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				if got := r.Header.Get("Traceparent"); got != "00-1-2-01" {
					t.Errorf("traceparent at ratings: got %q", got)
				}
				rating.Handler().ServeHTTP(w, r)
			}))
			defer ratings.Close()
			got := ask(t, Handler(c.version, StarsOf(c.version), call.New("ratings", ratings.URL, call.Timeout)))
			if calls != c.calls {
				t.Errorf("calls of ratings: got %d, want %d", calls, c.calls)
			}
			if got.Version != c.version || len(got.Reviews) != 2 {
				t.Fatalf("got %+v", got)
			}
			first := got.Reviews[0].Rating
			if (first == nil) != (c.want == nil) || first != nil && *first != *c.want {
				t.Errorf("rating of the first review: got %+v, want %+v", first, c.want)
			}
		})
	}
}

func TestWithoutRatingsTheReviewsStay(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	got := ask(t, Handler("v3", Red, call.New("ratings", gone.URL, call.Timeout)))
	if len(got.Reviews) != 2 || got.Reviews[0].Rating != nil || got.RatingsError == "" {
		t.Errorf("got %+v, want two reviews without stars and the reason", got)
	}
	if opinions["0"][0].Rating != nil {
		t.Error("the answer wrote into the source of all answers")
	}
}

func TestUnknownBook(t *testing.T) {
	w := httptest.NewRecorder()
	Handler("v1", None, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/reviews/99", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("got %d, want 404", w.Code)
	}
}

func TestParseStars(t *testing.T) {
	cases := map[string]struct {
		stars, version string
		want           Stars
		ok             bool
	}{
		"V1":         {"", "v1", None, true},
		"Semantic":   {"", "1.4.0", None, true},
		"WithSuffix": {"", "v2-bad", Black, true},
		"Later":      {"", "v12", Red, true},
		"Nameless":   {"", "latest", Black, true},
		"Given":      {"red", "v1", Red, true},
		"Unheard":    {"green", "v1", "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ParseStars(c.stars, c.version)
			if got != c.want || (err == nil) != c.ok {
				t.Errorf("got %q, %v; want %q, ok %v", got, err, c.want, c.ok)
			}
		})
	}
}

func ask(t *testing.T, h http.Handler) Reviews {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/reviews/0", nil)
	r.Header.Set("Traceparent", "00-1-2-01")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var got Reviews
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d, %v: %s", w.Code, err, w.Body)
	}
	return got
}
