// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"testing"
)

func TestVersionOf(t *testing.T) {
	setting := func(pairs ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{}
		for i := 0; i < len(pairs); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return info
	}
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for name, test := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"no build information":       {nil, "dev"},
		"built outside a repository": {setting("GOOS", "linux"), "dev"},
		"built from a clean commit":  {setting("vcs.revision", commit, "vcs.modified", "false"), "0123456789ab"},
		"built from a changed tree":  {setting("vcs.modified", "true", "vcs.revision", commit), "0123456789ab-dirty"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := versionOf(test.info); got != test.want {
				t.Errorf("versionOf() = %q, want %q", got, test.want)
			}
		})
	}
}
