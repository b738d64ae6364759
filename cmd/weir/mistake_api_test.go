// SPDX-License-Identifier: Apache-2.0

//go:build api

package main

import (
	"testing"

	"k8s.io/client-go/rest"
)

// TestMistakesAreAnswered makes the mistakes that everybody makes once, and looks for the way out.
func TestMistakesAreAnswered(t *testing.T) {
	s := newShell(t, "mistake")
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"list in a namespace that is none":     {[]string{"app", "list", "-n", "mistaken"}, "there is no namespace mistaken; name another with -n"},
		"releases of a namespace that is none": {[]string{"release", "list", "-n", "mistaken"}, "there is no namespace mistaken"},
		"an application elsewhere":             {[]string{"app", "get", "shop", "-n", "mistaken"}, "there is no namespace mistaken"},
		"an application that is none":          {[]string{"app", "get", "shop"}, `namespace mistake has no application "shop", nor any other; see: weir app list -A`},
		"a release elsewhere":                  {[]string{"release", "get", "shop", "-n", "mistaken"}, "there is no namespace mistaken"},
		"a release that is none":               {[]string{"release", "pause", "shop"}, "see: weir release list -n mistake"},
		"a component that is none":             {[]string{"release", "history", "shop"}, "see: weir app list -n mistake"},
		"a file that is none":                  {[]string{"release", "plan", "-f", "nowhere.yaml"}, "open nowhere.yaml: no such file or directory"},
		"nothing runs to be drafted of":        {[]string{"app", "init"}, "nothing runs in namespace mistake that is not part of an application already; name another with -n"},
		"nothing to draft elsewhere":           {[]string{"app", "init", "-n", "mistaken"}, "there is no namespace mistaken"},
		"nothing to adopt elsewhere":           {[]string{"app", "adopt", "-n", "mistaken"}, "there is no namespace mistaken"},
	} {
		t.Run(name, func(t *testing.T) {
			inner := s
			inner.T = t
			inner.says(1, test.want, test.args...)
		})
	}
	s.says(0, "no applications in namespace mistake; weir app init writes a first file of one", "app", "list")
	s.says(0, "no releases in namespace mistake; one begins when", "release", "list")
	s.says(0, "[]", "release", "list", "-o", "json")
}

// TestStrangersAreAnswered speaks to the cluster as who may not, as who is not known, and to one that is not there.
func TestStrangersAreAnswered(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*rest.Config)
		want   string
	}{
		"may not": {
			change: func(c *rest.Config) { c.Impersonate.UserName = "stranger" },
			want:   "; ask an administrator for the role view or edit in the namespace, or use another account with --context or --kubeconfig",
		},
		"is not known": {
			change: func(c *rest.Config) { c.CertData, c.KeyData, c.BearerToken = nil, nil, "forged" },
			want:   "; the cluster does not know you: sign in anew, or use another account",
		},
		"is not there": {
			change: func(c *rest.Config) { c.Host = "https://127.0.0.1:1" },
			want:   "connection refused; is the cluster up? Start it, or name another with --kubeconfig or --context",
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := rest.CopyConfig(server)
			test.change(config)
			s := shell{T: t, kubeconfig: writeKubeconfig(t, config), namespace: "default"}
			s.says(1, test.want, "app", "list")
			s.says(1, test.want, "release", "get", "shop")
			s.says(1, test.want, "app", "delete", "--orphans")
		})
	}
}
