// SPDX-License-Identifier: Apache-2.0

package part

import (
	"path/filepath"
	"testing"
)

func TestLinkedFindsTheLoaderAndLibraries(t *testing.T) {
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	l := linked{}
	if err := l.add(shell); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range l.files() {
		names[filepath.Base(file.Path)] = true
	}
	loader := map[string]string{"amd64": "ld-linux-x86-64.so.2", "arm64": "ld-linux-aarch64.so.1"}[hostArch]
	for _, want := range []string{filepath.Base(shell), "libc.so.6", loader} {
		if !names[want] {
			t.Errorf("%s is not among %v", want, names)
		}
	}
}

func TestTableLinksNameBothVariants(t *testing.T) {
	targets := map[string]string{}
	for _, link := range tableLinks() {
		targets[link.Path] = link.Link
	}
	for path, want := range map[string]string{
		"/usr/sbin/iptables":              legacyTables,
		"/usr/sbin/iptables-nft-save":     nftTables,
		"/usr/sbin/ip6tables-nft-restore": nftTables,
		"/usr/sbin/ip6tables-legacy":      legacyTables,
		"/usr/sbin/iptables-restore":      legacyTables,
	} {
		if targets[path] != want {
			t.Errorf("%s leads to %q, want %q", path, targets[path], want)
		}
	}
}
