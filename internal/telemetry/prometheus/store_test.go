// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"encoding/pem"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"weir.dev/weir/internal/mesh"
)

const nothing = `{"resultType":"matrix","result":[]}`

// guarded is a store that lets in who knows the word, and keeps what it was sent.
type guarded struct {
	word string

	mu   sync.Mutex
	sent []string
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	word := r.Header.Get("Authorization")
	g.mu.Lock()
	g.sent = append(g.sent, word)
	g.mu.Unlock()
	if word != g.word {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	answered(nothing, "")(w, r)
}

// TestMeasureElsewhere: a window says which store is asked, and how one gets in.
func TestMeasureElsewhere(t *testing.T) {
	const basic = "Basic ZXZhOnNlY3JldA==" // eva:secret
	for name, c := range map[string]struct {
		word   string
		tls    bool
		server mesh.Server
		wrong  string
	}{
		"open":                        {},
		"token":                       {word: "Bearer abc", server: mesh.Server{Token: "abc"}},
		"name and password":           {word: basic, server: mesh.Server{Username: "eva", Password: "secret"}},
		"wrong token":                 {word: "Bearer abc", server: mesh.Server{Token: "xyz"}, wrong: "does not let us in (401); see the Secret"},
		"no token":                    {word: "Bearer abc", wrong: "does not let us in"},
		"a certificate that is known": {tls: true, word: "Bearer abc", server: mesh.Server{Token: "abc", CA: "its own"}},
		"a certificate that is not":   {tls: true, wrong: "certificate"},
		"a certificate that is none":  {tls: true, server: mesh.Server{CA: "hello"}, wrong: "ca.crt holds no certificate in PEM"},
		"no address":                  {server: mesh.Server{URL: "prometheus"}, wrong: "this is no address"},
	} {
		t.Run(name, func(t *testing.T) {
			store := &guarded{word: c.word}
			server := httptest.NewUnstartedServer(store)
			server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are what is tested
			if c.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			if c.server.URL == "" {
				c.server.URL = server.URL
			}
			if c.server.CA == "its own" {
				c.server.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
			}
			w := window
			w.Server = &c.server
			_, err := measurer(t, "http://127.0.0.1:1").Measure(t.Context(), w)
			switch {
			case c.wrong == "" && err != nil:
				t.Fatal(err)
			case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
				t.Errorf("error = %v, want one that says %q", err, c.wrong)
			}
		})
	}
}

// TestLoginStaysHome: a store that sends us elsewhere does not send our password along.
func TestLoginStaysHome(t *testing.T) {
	elsewhere := &guarded{}
	other := httptest.NewServer(elsewhere)
	defer other.Close()
	home := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer home.Close()
	w := window
	w.Server = &mesh.Server{URL: home.URL, Token: "abc"}
	if _, err := measurer(t, home.URL).Measure(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if len(elsewhere.sent) == 0 {
		t.Fatal("nobody was sent elsewhere")
	}
	for _, word := range elsewhere.sent {
		if word != "" {
			t.Errorf("another server was told %q", word)
		}
	}
}

// TestLoginIsNotSpelledOut: https is not left for http with a password in hand.
func TestLoginIsNotSpelledOut(t *testing.T) {
	var told string
	l := login{
		server: mesh.Server{URL: "https://metrics.example", Token: "abc"}, scheme: "https", host: "metrics.example",
		next: roundTripper(func(r *http.Request) (*http.Response, error) {
			told = r.Header.Get("Authorization")
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		}),
	}
	for address, want := range map[string]string{"https://metrics.example/a": "Bearer abc", "http://metrics.example/a": ""} {
		request, err := http.NewRequest(http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := l.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if told != want {
			t.Errorf("%s is told %q, want %q", address, told, want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestOwnQueries: the answer to a query of the user's own is one number, none, or an error that stays with it.
func TestOwnQueries(t *testing.T) {
	for name, c := range map[string]struct {
		data  string
		want  float64
		wrong string
	}{
		"scalar":       {data: `{"resultType":"scalar","result":[1000,"0.25"]}`, want: 0.25},
		"one value":    {data: `{"resultType":"vector","result":[{"metric":{},"value":[1000,"3"]}]}`, want: 3},
		"no value":     {data: `{"resultType":"vector","result":[]}`, want: math.NaN()},
		"not a number": {data: `{"resultType":"vector","result":[{"metric":{},"value":[1000,"NaN"]}]}`, want: math.NaN()},
		"two values": {
			data:  `{"resultType":"vector","result":[{"metric":{"a":"1"},"value":[1000,"3"]},{"metric":{"a":"2"},"value":[1000,"4"]}]}`,
			wrong: "the answer has 2 values where one number is wanted",
		},
		"matrix": {data: nothing, wrong: "the answer is a matrix where one number is wanted"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.FormValue("query") == "sum(errors)" {
					answered(c.data, "")(w, r)
					return
				}
				answered(nothing, "")(w, r)
			}))
			defer server.Close()
			w := window
			w.Queries = map[string]string{"errors": "sum(errors)"}
			got, err := measurer(t, server.URL).Measure(t.Context(), w)
			if err != nil {
				t.Fatalf("a query of the user's own fails the whole sample: %v", err)
			}
			value := got.Values["errors"]
			switch {
			case c.wrong != "":
				if value.Err == nil || !strings.Contains(value.Err.Error(), c.wrong) {
					t.Errorf("value %+v, want an error that says %q", value, c.wrong)
				}
			case value.Err != nil || value.Number != c.want && !(math.IsNaN(value.Number) && math.IsNaN(c.want)):
				t.Errorf("value %+v, want %g", value, c.want)
			}
			if got.Asked["metric errors"] != "sum(errors)" {
				t.Errorf("shown as %q", got.Asked["metric errors"])
			}
		})
	}
}
