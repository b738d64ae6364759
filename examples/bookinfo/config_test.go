// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir.dev/weir/examples/bookinfo/review"
)

func TestParse(t *testing.T) {
	cases := map[string]struct {
		args []string
		env  map[string]string
		want func(config) bool
	}{
		"Defaults": {
			args: []string{"productpage"},
			want: func(c config) bool {
				return c.self.Version == "v1" && c.listen == ":9080" && c.details == "http://details:9080" && c.life.Self == c.self
			},
		},
		"StarsFollowTheVersion": {
			args: []string{"reviews", "--version", "v3"},
			want: func(c config) bool { return c.stars == review.Red },
		},
		"Faults": {
			args: []string{"reviews", "--error-rate", "0.05", "--latency=100ms", "--start-delay", "10s", "--exit-on-term"},
			want: func(c config) bool {
				return c.faults.ErrorRate == 0.05 && c.faults.Latency == 100*time.Millisecond &&
					c.life.StartDelay == 10*time.Second && c.exitOnTerm
			},
		},
		"CallTimeout": {
			args: []string{"reviews", "--call-timeout", "30s"},
			want: func(c config) bool { return c.callTimeout == 30*time.Second },
		},
		"Environment": {
			args: []string{"reviews"},
			env:  map[string]string{"BOOKINFO_ERROR_RATE": "0.5", "BOOKINFO_VERSION": "v2"},
			want: func(c config) bool { return c.faults.ErrorRate == 0.5 && c.stars == review.Black },
		},
		"FlagBeatsEnvironment": {
			args: []string{"reviews", "--version", "v3"},
			env:  map[string]string{"BOOKINFO_VERSION": "v2"},
			want: func(c config) bool { return c.self.Version == "v3" },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parse(c.args, lookup(c.env))
			if err != nil || !c.want(got) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	cases := map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"NoService":      {args: nil, want: "name the service"},
		"UnknownService": {args: []string{"prices"}, want: "productpage|details|reviews|ratings"},
		"Stray":          {args: []string{"details", "v2"}, want: `"v2"`},
		"Percent":        {args: []string{"details", "--error-rate", "5"}, want: "between 0 and 1"},
		"Stars":          {args: []string{"reviews", "--stars", "green"}, want: "--stars"},
		"CallTimeout":    {args: []string{"reviews", "--call-timeout", "0s"}, want: "--call-timeout"},
		"Version":        {args: []string{"reviews", "--version", "a,b"}, want: "--version"},
		"Environment":    {args: []string{"reviews"}, env: map[string]string{"BOOKINFO_LATENCY": "fast"}, want: "BOOKINFO_LATENCY"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parse(c.args, lookup(c.env))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestEveryServiceAnswers(t *testing.T) {
	paths := map[string]string{
		"productpage": "/api/v1/products", "details": "/details/0", "reviews": "/reviews/0", "ratings": "/ratings/0",
	}
	for _, service := range services {
		t.Run(service, func(t *testing.T) {
			c, err := parse([]string{service}, lookup(nil))
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			handler(c).ServeHTTP(w, httptest.NewRequest(http.MethodGet, paths[service], nil))
			if w.Code != http.StatusOK {
				t.Errorf("GET %s: got %d", paths[service], w.Code)
			}
		})
	}
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { value, ok := env[name]; return value, ok }
}
