// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

func exposing(t *testing.T, expose ...string) *api.Application {
	t.Helper()
	var components []string
	for i, e := range expose {
		components = append(components, "{name: "+string(rune('a'+i))+", image: i, ports: [{port: 80}], expose: "+e+"}")
	}
	return application(t, "["+strings.Join(components, ", ")+"]")
}

func TestClaims(t *testing.T) {
	for name, tt := range map[string]struct {
		expose    string
		claims    []string
		addresses []string
	}{
		"everything":            {"{}", []string{"http://*/"}, []string{"192.0.2.1/"}},
		"hosts and paths":       {"{hosts: [a.example, '*.b.example'], paths: [/x, /y]}", []string{"http://*.b.example/x", "http://*.b.example/y", "http://a.example/x", "http://a.example/y"}, []string{"a.example/x", "*.b.example/x"}},
		"with a certificate":    {"{hosts: [a.example], tls: {secret: s}}", []string{"https://a.example/"}, []string{"https://a.example/"}},
		"every host, and https": {"{tls: {secret: s}}", []string{"https://*/"}, []string{"https://192.0.2.1/"}},
		"connections":           {"{tcp: 5432}", []string{"tcp://*:5432"}, []string{"tcp://192.0.2.1:5432"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := exposing(t, tt.expose)
			if diff := cmp.Diff(tt.claims, plan.AllClaims(a)); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.addresses, plan.Addresses(a.Spec.Components[0], "192.0.2.1")); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCollisions(t *testing.T) {
	for name, tt := range map[string]struct {
		mine, other string
		collide     bool
		refused     bool
	}{
		"the same host and path":    {"{hosts: [a.example]}", "{hosts: [a.example]}", true, true},
		"every host, both":          {"{paths: [/a]}", "{paths: [/a]}", true, false},
		"another host":              {"{hosts: [a.example]}", "{hosts: [b.example]}", false, false},
		"one host of the others":    {"{hosts: [a.example]}", "{}", false, false},
		"a longer path":             {"{hosts: [a.example], paths: [/a/b]}", "{hosts: [a.example], paths: [/a]}", true, true},
		"a shorter path":            {"{hosts: [a.example], paths: [/a]}", "{hosts: [a.example], paths: [/a/b]}", true, true},
		"a path and the rest":       {"{hosts: [a.example], paths: [/a]}", "{hosts: [a.example]}", false, false},
		"the rest and a path":       {"{hosts: [a.example]}", "{hosts: [a.example], paths: [/a]}", false, false},
		"a host with a certificate": {"{hosts: [a.example], paths: [/a]}", "{hosts: [a.example], paths: [/b], tls: {secret: s}}", true, true},
		"the same port":             {"{tcp: 5432}", "{tcp: 5432}", true, true},
		"another port":              {"{tcp: 5432}", "{tcp: 5433}", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, other := exposing(t, tt.mine), exposing(t, tt.other)
			other.Name = "other"
			other.Status.Exposed = plan.AllClaims(other)
			err := errors.Join(plan.Collisions(a, []api.Application{*a, *other})...)
			if tt.refused != (err != nil) {
				t.Errorf("collides: %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "spec.components[a].expose: application shop/other answers "+other.Status.Exposed[0]+" already") {
				t.Errorf("it says %v", err)
			}
			a.Status.Exposed = plan.AllClaims(a)
			if err := errors.Join(plan.Collisions(a, []api.Application{*other})...); err != nil {
				t.Errorf("what it had itself is refused: %v", err)
			}
			if shared := plan.Shared(a, []api.Application{*other}); tt.collide != (len(shared["a"]) == 1) {
				t.Errorf("it warns of %v", shared)
			}
		})
	}
}

func TestAcceptOutside(t *testing.T) {
	for name, tt := range map[string]struct {
		expose []string
		want   string
	}{
		"one certificate for two paths": {[]string{"{hosts: [a.example], paths: [/a], tls: {secret: s}}", "{hosts: [a.example], paths: [/b], tls: {secret: s}}"}, ""},
		"two certificates for a host": {[]string{"{hosts: [a.example], paths: [/a], tls: {secret: s}}", "{hosts: [a.example], paths: [/b], tls: {secret: u}}"},
			"spec.components[b].expose.tls.secret: a.example has the certificate s by component a"},
		"two certificates for two hosts": {[]string{"{hosts: [a.example], tls: {secret: s}}", "{hosts: [b.example], tls: {secret: u}}"}, ""},
		"one port for two":               {[]string{"{tcp: 5432}", "{tcp: 5432}"}, "spec.components[b].expose.tcp: 5432 is the port of a already"},
	} {
		t.Run(name, func(t *testing.T) {
			err := plan.Accept(exposing(t, tt.expose...))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Accept says %v, want %q", err, tt.want)
			}
		})
	}
}

func TestElsewhere(t *testing.T) {
	a := exposing(t, "{hosts: [a.example, b.example]}")
	other, self := exposing(t, "{}"), exposing(t, "{}")
	other.Name, other.Status.Exposed = "other", []string{"https://a.example/cart", "http://a.example/", "http://c.example/cart", "tcp://*:5432", "http://a.example/book"}
	self.Status.Exposed = []string{"http://b.example/own"}
	want := map[string][]string{"a.example": {"/book", "/cart"}}
	if diff := cmp.Diff(want, plan.Elsewhere(a, []api.Application{*other, *self})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
