// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"weir.dev/weir/cluster/controlplane"
	"weir.dev/weir/cluster/part"
	"weir.dev/weir/cluster/process"
)

// Status is what is known of a cluster at one moment.
type Status struct {
	Info `json:",inline"`
	// Ready says that every part runs and answers.
	Ready bool         `json:"ready"`
	Parts []PartStatus `json:"parts"`
	// MemoryBytes is the resident memory of all processes of the cluster, NodeBytes that of its control plane and node
	// without the pods of users. Pages that several processes share count once.
	MemoryBytes int64 `json:"memoryBytes"`
	NodeBytes   int64 `json:"nodeBytes"`
}

// PartStatus is what is known of one part.
type PartStatus struct {
	Name string `json:"name"`
	// Kind is process or pod.
	Kind    string `json:"kind"`
	Version string `json:"version,omitempty"`
	// PID is 0 for a process that does not run and for pods.
	PID   int  `json:"pid,omitempty"`
	Ready bool `json:"ready"`
	// MemoryBytes is the resident memory.
	MemoryBytes int64  `json:"memoryBytes"`
	Note        string `json:"note,omitempty"`
}

// GetStatus looks at every part of a cluster. The error wraps ErrNotFound if there is none.
func GetStatus(ctx context.Context, ref Ref) (Status, error) {
	dir, err := ref.dir()
	if err != nil {
		return Status{}, err
	}
	config, err := dir.Load()
	if errors.Is(err, fs.ErrNotExist) {
		return Status{}, fmt.Errorf("%w: %s; make it with: weir cluster up --name %s", ErrNotFound, ref.name(), ref.name())
	}
	if err != nil {
		return Status{}, err
	}
	b, err := newBuilder(Options{Ref: ref}, dir)
	if err != nil {
		return Status{}, err
	}
	b.parts = part.Set{Dir: config.Parts}
	status := Status{Info: info(dir, config)}
	status.Parts = append(b.processes(ctx), b.pods(ctx)...)
	status.Ready = len(status.Parts) > 0
	for _, p := range status.Parts {
		status.Ready = status.Ready && p.Ready
		status.NodeBytes += p.MemoryBytes
	}
	status.MemoryBytes = resident(b.enclave.Processes()...)
	return status, nil
}

// programs are the processes of a cluster in the order in which they start, with how each is asked for its health.
func (b *builder) programs() []program {
	return []program{
		{forwarder, "", connect("tcp", strings.TrimPrefix(info(b.dir, b.config).APIAddress, "https://"))},
		{"etcd", "etcd", b.get("http://127.0.0.1:2379/health")},
		{"kube-apiserver", "kubernetes", b.get(controlplane.Inside + "/readyz")},
		{"kube-controller-manager", "kubernetes", b.get("https://127.0.0.1:10257/healthz")},
		{"kube-scheduler", "kubernetes", b.get("https://127.0.0.1:10259/healthz")},
		{"containerd", "containerd", connect("unix", b.node().Socket())},
		{"kubelet", "kubernetes", b.get("http://127.0.0.1:10248/healthz")},
		{"kube-proxy", "kubernetes", b.get("http://127.0.0.1:10256/healthz")},
	}
}

type program struct {
	name, part string
	probe      func(context.Context) error
}

func (b *builder) processes(ctx context.Context) []PartStatus {
	var statuses []PartStatus
	for _, program := range b.programs() {
		status := PartStatus{Name: program.name, Kind: "process", Version: part.Version(program.part)}
		if p, running := process.Find(b.dir.Run(), program.name); running {
			status.PID = p.PID
			status.MemoryBytes = resident(p.PID)
			if err := program.probe(ctx); err != nil {
				status.Note = err.Error()
			} else {
				status.Ready = true
			}
		} else {
			status.Note = "does not run: weir cluster up starts it again"
		}
		statuses = append(statuses, status)
	}
	return statuses
}

// resident sums up the memory of processes in bytes. Pages that several processes share, such as the code of the
// programs of Kubernetes, which are one file, are split among them (PSS in proc_pid_smaps_rollup(5)).
func resident(pids ...int) int64 {
	var sum int64
	for _, pid := range pids {
		content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
		if err == nil {
			sum += proportional(string(content))
		}
	}
	return sum
}

func proportional(rollup string) int64 {
	for line := range strings.SplitSeq(rollup, "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
			kibibytes, _ := strconv.ParseInt(fields[1], 10, 64)
			return kibibytes << 10
		}
	}
	return 0
}
