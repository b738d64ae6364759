// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for name, test := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"version":         {args: []string{"--version"}, stdout: "weir version "},
		"help":            {args: []string{"--help"}, stdout: "Begin here:"},
		"unknown command": {args: []string{"estuary"}, code: 1, stderr: `weir: unknown command "estuary"`},
		"unknown flag":    {args: []string{"--flood"}, code: 1, stderr: "weir: unknown flag: --flood"},
		"a word misspelled": {
			args: []string{"release", "pasue", "reviews"}, code: 1,
			stderr: `weir: unknown command "pasue" for "weir release"; similar: pause; see: weir release --help`,
		},
		"a group by itself":  {args: []string{"release"}, stdout: "weir release [command]"},
		"a name left out":    {args: []string{"release", "get"}, code: 1, stderr: "weir: release get wants NAME; see: weir release get --help"},
		"a name too many":    {args: []string{"app", "get", "a", "b"}, code: 1, stderr: `weir: app get takes NAME alone, and "b" is more`},
		"a name for nothing": {args: []string{"check", "shop"}, code: 1, stderr: `weir: check takes no argument, and "shop" is one`},
		"a name that may be": {args: []string{"release", "list", "a", "b"}, code: 1, stderr: `weir: release list takes [COMPONENT] alone`},
		"files left out":     {args: []string{"cluster", "load-image"}, code: 1, stderr: "weir: cluster load-image wants FILE.tar…"},
		"no such kubeconfig": {args: []string{"app", "list", "--kubeconfig", "/nowhere"}, code: 1, stderr: "weir: kubeconfig: stat /nowhere: no such file or directory; name another file with --kubeconfig"},
		"a format too many":  {args: []string{"load", "http://127.0.0.1:1/", "-o", "xml"}, code: 1, stderr: "weir: --output xml: use json or yaml"},
		"a code of its own":  {args: []string{"check", "--kubeconfig", "/nowhere"}, code: 2, stderr: "weir: kubeconfig: "},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), test.args, &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(stdout.String(), test.stdout) {
				t.Errorf("standard output %q does not contain %q", stdout.String(), test.stdout)
			}
			if !strings.HasPrefix(stderr.String(), test.stderr) || strings.Count(stderr.String(), "\n") > 1 {
				t.Errorf("standard error %q, want one line that begins %q", stderr.String(), test.stderr)
			}
		})
	}
}
