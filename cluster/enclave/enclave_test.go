// SPDX-License-Identifier: Apache-2.0

package enclave

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMount(t *testing.T) {
	tests := []struct {
		name, line string
		want       mount
		ok         bool
	}{
		{
			"version 1", "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:4 - cgroup cgroup rw,memory",
			mount{root: "/", point: "/sys/fs/cgroup/memory", kind: "cgroup", options: "rw,memory"}, true,
		},
		{
			"a space", `40 20 0:9 net:[402] /run/my\040ns rw - nsfs nsfs rw`,
			mount{root: "net:[402]", point: "/run/my ns", kind: "nsfs", options: "rw"}, true,
		},
		{"half a line", "40 20 0:9 / /run", mount{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseMount(test.line)
			if ok != test.ok {
				t.Fatalf("ok is %t, want %t", ok, test.ok)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(mount{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPickHierarchies(t *testing.T) {
	v1 := mount{point: "/sys/fs/cgroup/cpu", kind: "cgroup", options: "rw,cpu"}
	unified := mount{point: "/sys/fs/cgroup/unified", kind: "cgroup2", options: "rw"}
	foreign := mount{point: "/var/lib/lxc/cgroup", kind: "cgroup2", options: "rw"}
	want := []hierarchy{
		{mount: "/sys/fs/cgroup/cpu", controllers: []string{"rw", "cpu"}},
		{mount: "/sys/fs/cgroup/unified", unified: true},
	}
	got := pickHierarchies([]mount{v1, unified, foreign, {point: "/", kind: "ext4"}})
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(hierarchy{})); diff != "" {
		t.Error(diff)
	}
}
