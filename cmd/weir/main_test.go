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
