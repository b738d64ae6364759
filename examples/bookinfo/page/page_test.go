// SPDX-License-Identifier: Apache-2.0

package page

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"weir.dev/weir/examples/bookinfo/call"
	"weir.dev/weir/examples/bookinfo/detail"
	"weir.dev/weir/examples/bookinfo/fault"
	"weir.dev/weir/examples/bookinfo/origin"
	"weir.dev/weir/examples/bookinfo/rating"
	"weir.dev/weir/examples/bookinfo/review"
)

// town is every service on loopback, each with the faults given by name.
type town struct {
	version string
	faults  map[string]fault.Faults
	// seen is called with each request that a service below productpage gets.
	seen func(service string, r *http.Request)
}

func (c town) start(t *testing.T) *httptest.Server {
	t.Helper()
	version := c.version
	if version == "" {
		version = "v3"
	}
	ratings := c.serve(t, origin.Self{Service: "ratings", Version: "v1"}, rating.Handler())
	reviews := c.serve(t, origin.Self{Service: "reviews", Version: version},
		review.Handler(version, review.StarsOf(version), call.New("ratings", ratings.URL, call.Timeout)))
	details := c.serve(t, origin.Self{Service: "details", Version: "v1"}, detail.Handler())
	shop := &Shop{
		Version: "v1", Host: "here",
		Details: call.New("details", details.URL, call.Timeout), Reviews: call.New("reviews", reviews.URL, call.Timeout), Ratings: call.New("ratings", ratings.URL, call.Timeout),
	}
	return c.serve(t, origin.Self{Service: "productpage", Version: "v1"}, shop.Handler())
}

func (c town) serve(t *testing.T, self origin.Self, h http.Handler) *httptest.Server {
	t.Helper()
	h = origin.Stamp(self, fault.Inject(c.faults[self.Service], self, nil, h))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.seen != nil && self.Service != "productpage" {
			c.seen(self.Service, r)
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestPage(t *testing.T) {
	broken := fault.Faults{ErrorRate: 1}
	cases := map[string]struct {
		reason   string
		town     town
		status   int
		versions string
		failed   string
		contains []string
		lacks    []string
	}{
		"V1": {
			reason: "no stars, and nobody asked ratings",
			town:   town{version: "v1"}, status: 200, versions: "productpage=v1,details=v1,reviews=v1",
			contains: []string{"The Comedy of Errors", "Paperback", "Ada", `badge none`}, lacks: []string{`class="stars`},
		},
		"V2": {
			reason: "black stars",
			town:   town{version: "v2"}, status: 200, versions: "productpage=v1,details=v1,reviews=v2,ratings=v1",
			contains: []string{`class="stars black"`, `aria-label="4 of 5 stars"`},
		},
		"V3": {
			reason: "red stars",
			town:   town{version: "v3"}, status: 200, versions: "productpage=v1,details=v1,reviews=v3,ratings=v1",
			contains: []string{`class="stars red"`},
		},
		"ReviewsFail": {
			reason: "the page apologizes, and the failure is seen and attributed",
			town:   town{version: "v4", faults: map[string]fault.Faults{"reviews": broken}}, status: 502,
			versions: "productpage=v1,details=v1,reviews=v4", failed: "reviews v4",
			contains: []string{"Sorry, the reviews", "Paperback"}, lacks: []string{"Ada"},
		},
		"DetailsFail": {
			reason: "the reviews are still shown",
			town:   town{faults: map[string]fault.Faults{"details": broken}}, status: 502,
			versions: "productpage=v1,details=v1,reviews=v3,ratings=v1", failed: "details v1",
			contains: []string{"Sorry, the details", "Ada"}, lacks: []string{"Paperback"},
		},
		"BothFail": {
			reason: "both are to blame",
			town:   town{faults: map[string]fault.Faults{"details": broken, "reviews": broken}}, status: 502,
			versions: "productpage=v1,details=v1,reviews=v3", failed: "details v1,reviews v3",
		},
		"RatingsFail": {
			reason: "only the stars are missing",
			town:   town{faults: map[string]fault.Faults{"ratings": broken}}, status: 200,
			versions: "productpage=v1,details=v1,reviews=v3,ratings=v1",
			contains: []string{"Ada", "stars cannot be had"}, lacks: []string{`class="stars`},
		},
		"ItselfFails": {
			reason: "productpage has faults too",
			town:   town{faults: map[string]fault.Faults{"productpage": broken}}, status: 500,
			versions: "productpage=v1", failed: "productpage v1",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			status, header, body := get(t, c.town.start(t).URL+"/productpage")
			if status != c.status || header.Get(origin.Versions) != c.versions || header.Get(origin.Failed) != c.failed {
				t.Errorf("%s: got %d %q failed %q, want %d %q failed %q", c.reason,
					status, header.Get(origin.Versions), header.Get(origin.Failed), c.status, c.versions, c.failed)
			}
			for _, s := range c.contains {
				if !strings.Contains(body, s) {
					t.Errorf("%s: the page lacks %q", c.reason, s)
				}
			}
			for _, s := range c.lacks {
				if strings.Contains(body, s) {
					t.Errorf("%s: the page has %q", c.reason, s)
				}
			}
		})
	}
}

func TestUnreachableIsBlamedWithoutAVersion(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	details := town{}.serve(t, origin.Self{Service: "details", Version: "v1"}, detail.Handler())
	shop := &Shop{Version: "v1", Details: call.New("details", details.URL, call.Timeout), Reviews: call.New("reviews", gone.URL, call.Timeout)}
	w := httptest.NewRecorder()
	shop.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if got := w.Header().Get(origin.Failed); w.Code != 502 || got != "reviews unknown" {
		t.Errorf("got %d %q, want 502 %q", w.Code, got, "reviews unknown")
	}
	if got := w.Header().Get(origin.Reason); !strings.Contains(got, "refused") {
		t.Errorf("reason: got %q", got)
	}
}

func TestHeadersReachEveryService(t *testing.T) {
	type arrival struct{ service, trace, user string }
	arrived := make(chan arrival, 8)
	server := town{seen: func(service string, r *http.Request) {
		arrived <- arrival{service, r.Header.Get("X-B3-Traceid"), r.Header.Get(endUser)}
	}}.start(t)
	req, err := http.NewRequest(http.MethodGet, server.URL+"/productpage", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-B3-Traceid", "463ac35c9f6413ad")
	req.AddCookie(&http.Cookie{Name: session, Value: url.QueryEscape("ann lee")})
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	close(arrived)
	got := map[string]arrival{}
	for a := range arrived {
		got[a.service] = a
	}
	for _, service := range []string{"details", "reviews", "ratings"} {
		if want := (arrival{service, "463ac35c9f6413ad", "ann lee"}); got[service] != want {
			t.Errorf("got %+v, want %+v", got[service], want)
		}
	}
}

func TestAPI(t *testing.T) {
	server := town{}.start(t)
	bad := town{version: "v4", faults: map[string]fault.Faults{"reviews": {ErrorRate: 1}}}.start(t)
	cases := map[string]struct {
		url      string
		status   int
		contains string
		failed   string
	}{
		"Products":      {server.URL + "/api/v1/products", 200, `"title":"The Tempest"`, ""},
		"Details":       {server.URL + "/api/v1/products/1", 200, `"year":1600`, ""},
		"Reviews":       {server.URL + "/api/v1/products/0/reviews", 200, `"color":"red"`, ""},
		"Ratings":       {server.URL + "/api/v1/products/0/ratings", 200, `"Ada":5`, ""},
		"NoProduct":     {server.URL + "/api/v1/products/9", 404, `no product 9`, ""},
		"NoProductPage": {server.URL + "/productpage?id=9", 404, `no product 9`, ""},
		"Elsewhere":     {server.URL + "/nowhere", 404, ``, ""},
		"BadReviews":    {bad.URL + "/api/v1/products/0/reviews", 502, `"error"`, "reviews v4"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			status, header, body := get(t, c.url)
			if status != c.status || !strings.Contains(body, c.contains) || header.Get(origin.Failed) != c.failed {
				t.Errorf("got %d %q failed %q", status, body, header.Get(origin.Failed))
			}
		})
	}
}

func TestSignIn(t *testing.T) {
	cases := map[string]struct {
		name   string
		status int
	}{
		"Name":       {"ann lee", http.StatusSeeOther},
		"Empty":      {"", http.StatusBadRequest},
		"Injection":  {"ann\r\nx: y", http.StatusBadRequest},
		"TooLong":    {strings.Repeat("a", 65), http.StatusBadRequest},
		"NotAHeader": {"Zoë", http.StatusBadRequest},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"username": {c.name}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			(&Shop{}).Handler().ServeHTTP(w, r)
			if w.Code != c.status || (w.Header().Get("Set-Cookie") != "") != (c.status == http.StatusSeeOther) {
				t.Errorf("got %d, cookie %q", w.Code, w.Header().Get("Set-Cookie"))
			}
		})
	}
}

func get(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}
