// SPDX-License-Identifier: Apache-2.0

package main

import "runtime/debug"

// linkedVersion is the version of a release build, set by the linker; empty otherwise.
var linkedVersion string

// buildVersion names this build: the release, else the commit it was built from, else "dev".
func buildVersion() string {
	if linkedVersion != "" {
		return linkedVersion
	}
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// versionOf reads the commit that the Go command stamped into the binary; "-dirty" marks a tree with changes of its own.
func versionOf(info *debug.BuildInfo) string {
	if info == nil {
		return "dev"
	}
	commit, changed := "", ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				changed = "-dirty"
			}
		}
	}
	if len(commit) < 12 {
		return "dev"
	}
	return commit[:12] + changed
}
