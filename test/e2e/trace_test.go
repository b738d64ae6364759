// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// trace is what a cluster could leave on a host.
type trace struct{ network, processes, mounts, files, cgroups []string }

func (tr trace) all() [][]string {
	return [][]string{tr.network, tr.processes, tr.mounts, tr.files, tr.cgroups}
}

func traces(t *testing.T) trace {
	t.Helper()
	return trace{
		network:   network(t),
		processes: processes(t),
		mounts:    mounts(t),
		files: list("/run/netns", "/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/pods",
			"/var/log/containers", "/etc/cni", "/opt/containerd", "/opt/cni", "/var/run/kubernetes", "/usr/libexec/kubernetes"),
		cgroups: cgroups(),
	}
}

// network is the host's interfaces, addresses, routes and rules, without counters.
func network(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, command := range []string{"ip -o link", "ip -o -4 address", "ip route show table all", "iptables-save"} {
		fields := strings.Fields(command)
		output, err := exec.Command(fields[0], fields[1:]...).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		for line := range strings.SplitSeq(string(output), "\n") {
			if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ":") {
				lines = append(lines, line)
			}
		}
	}
	forwarding, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err != nil {
		t.Fatal(err)
	}
	return append(lines, "ip_forward "+string(forwarding))
}

// processes are those that mention the cluster, in their command line or their cgroup.
func processes(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, file := range []string{"cmdline", "cgroup"} {
		paths, err := filepath.Glob("/proc/[0-9]*/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			content, _ := os.ReadFile(path)
			if strings.Contains(string(content), clusterName) && filepath.Dir(path) != "/proc/self" {
				found = append(found, path+" "+strings.ReplaceAll(string(content), "\x00", " "))
			}
		}
	}
	return found
}

func mounts(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	for line := range strings.SplitSeq(string(content), "\n") {
		if fields := strings.Fields(line); len(fields) > 4 && !foreign(fields[4]) {
			points = append(points, fields[4])
		}
	}
	slices.Sort(points)
	return points
}

// foreign says whether a path belongs to a cluster other than this test's, which may come and go meanwhile.
func foreign(path string) bool {
	return !strings.Contains(path, clusterName) &&
		(strings.HasPrefix(path, "/run/netns") || strings.HasPrefix(path, "/var/lib/weir/"))
}

func list(roots ...string) []string {
	var paths []string
	for _, root := range roots {
		_ = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && !foreign(path) {
				paths = append(paths, path)
			}
			return nil
		})
	}
	return paths
}

func cgroups() []string {
	var paths []string
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.Contains(path, clusterName) {
			paths = append(paths, path)
		}
		return nil
	})
	return paths
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("before and after differ (-before +after):\n%s", diff)
	}
}
