// SPDX-License-Identifier: Apache-2.0

package enclave

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hierarchy is one mounted cgroup tree: one of several of version 1, or the unified one of version 2.
type hierarchy struct {
	mount       string
	unified     bool
	controllers []string
}

// Controllers that a pod needs. On a pure version 2 host they are handed down from the root.
var controllers = []string{"cpuset", "cpu", "memory", "pids"}

func hierarchies() ([]hierarchy, error) {
	mounts, err := mountTable("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	found := pickHierarchies(mounts)
	if len(found) == 0 {
		return nil, errors.New("no cgroup file system is mounted: mount one at /sys/fs/cgroup")
	}
	return found, nil
}

func pickHierarchies(mounts []mount) []hierarchy {
	var found []hierarchy
	for _, m := range mounts {
		switch {
		case !strings.HasPrefix(m.point, "/sys/fs/cgroup"):
		case m.kind == "cgroup":
			found = append(found, hierarchy{mount: m.point, controllers: strings.Split(m.options, ",")})
		case m.kind == "cgroup2":
			found = append(found, hierarchy{mount: m.point, unified: true})
		}
	}
	return found
}

// MissingControllers returns the cgroup controllers that pods need and this host does not offer.
func (e *Enclave) MissingControllers() []string {
	var offered []string
	for _, h := range e.groups {
		offered = append(offered, h.controllers...)
		if h.unified {
			list, _ := os.ReadFile(filepath.Join(h.mount, "cgroup.controllers"))
			offered = append(offered, strings.Fields(string(list))...)
		}
	}
	var missing []string
	for _, c := range controllers {
		if !slices.Contains(offered, c) {
			missing = append(missing, c)
		}
	}
	return missing
}

// Cgroup is the cluster's root in every hierarchy. Pods live below it, and so do the node's own processes.
func (e *Enclave) Cgroup() string { return "/weir/" + e.name }

func (e *Enclave) processGroup() string { return e.Cgroup() + "/node" }

func (e *Enclave) createGroups() error {
	for _, h := range e.groups {
		for _, group := range []string{"/weir", e.Cgroup(), e.processGroup()} {
			if err := h.create(group); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h hierarchy) create(group string) error {
	if h.unified {
		if err := h.handDown(filepath.Dir(group)); err != nil {
			return err
		}
	}
	if err := os.Mkdir(h.mount+group, 0o755); err != nil && !os.IsExist(err) {
		return fmt.Errorf("create cgroup: %w", err)
	}
	switch {
	case slices.Contains(h.controllers, "cpuset"):
		return h.inheritCpuset(group)
	case slices.Contains(h.controllers, "cpu"):
		return os.WriteFile(filepath.Join(h.mount, group, "cpu.shares"), []byte(cpuShares), 0o644)
	}
	return nil
}

// cpuShares is the weight against other groups and, in version 1, against each single process of the host that is in
// no group. With the usual 1024 a whole cluster would get as much as one compiler.
const cpuShares = "16384"

// inheritCpuset copies the parent's processors and memory nodes, without which a version 1 cpuset takes no process.
func (h hierarchy) inheritCpuset(group string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		parent, err := os.ReadFile(filepath.Join(h.mount, filepath.Dir(group), file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(h.mount, group, file), parent, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (h hierarchy) handDown(group string) error {
	offered, err := os.ReadFile(filepath.Join(h.mount, group, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for c := range strings.FieldsSeq(string(offered)) {
		if !slices.Contains(controllers, c) {
			continue
		}
		file := filepath.Join(h.mount, group, "cgroup.subtree_control")
		if err := os.WriteFile(file, []byte("+"+c), 0o644); err != nil {
			return fmt.Errorf("hand cgroup controller %s down from %s: %w", c, group, err)
		}
	}
	return nil
}

// EnterCgroup moves the calling thread into the v1 cgroups and nothing else; see Enter.
func (e *Enclave) EnterCgroup() (cgroupFD int, err error) {
	cgroupFD = -1
	for _, h := range e.groups {
		path := h.mount + e.processGroup()
		if h.unified {
			if cgroupFD, err = unix.Open(path, unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
				return -1, fmt.Errorf("open cgroup %s: %w", path, err)
			}
			continue
		}
		tid := []byte(strconv.Itoa(unix.Gettid()))
		if err := os.WriteFile(filepath.Join(path, "tasks"), tid, 0o644); err != nil {
			return -1, fmt.Errorf("join cgroup: %w", err)
		}
	}
	return cgroupFD, nil
}

// Processes returns the ids of all processes in the enclave, those of pods among them.
func (e *Enclave) Processes() []int { return e.processes(func(string) bool { return true }) }

func (e *Enclave) processes(wanted func(path string) bool) []int {
	seen := map[int]bool{}
	for _, h := range e.groups {
		_ = filepath.WalkDir(h.mount+e.Cgroup(), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.IsDir() || !wanted(path) {
				return nil //nolint:nilerr // groups come and go while walking
			}
			list, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
			for field := range strings.FieldsSeq(string(list)) {
				if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
					seen[pid] = true
				}
			}
			return nil
		})
	}
	var pids []int
	for pid := range seen {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

// PodProcesses returns the ids of the processes of one pod, by the pod's UID.
func (e *Enclave) PodProcesses(uid string) []int {
	return e.processes(func(path string) bool { return strings.Contains(path, "/pod"+uid) })
}

// Kill ends every process of the enclave without asking, and waits until the kernel has let go of them.
func (e *Enclave) Kill() error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		pids := e.Processes()
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v of cluster %s don't die: see /proc/<pid>/stack for what they wait for", pids, e.name)
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // the pause of a wait that has a deadline
	}
}

func (e *Enclave) removeGroups() error {
	for _, h := range e.groups {
		if err := removeTree(h.mount + e.Cgroup()); err != nil {
			return fmt.Errorf("remove cgroup: %w", err)
		}
		_ = os.Remove(h.mount + "/weir") // the last cluster takes it along
	}
	return nil
}

// removeTree removes a cgroup and those below it. The kernel may need a moment after the last process is gone.
func removeTree(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeTree(filepath.Join(path, entry.Name())); err != nil {
				return err
			}
		}
	}
	for try := 0; ; try++ {
		err := os.Remove(path)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if try == 100 {
			return err
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // the pause between tries, of which there are a hundred
	}
}
